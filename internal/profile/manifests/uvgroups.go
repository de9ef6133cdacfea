package manifests

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// compareGroups compares the project's dependency groups with those that its entry in the lock file repeats. Lock files without that part are
// older.
func (p *PythonProject) compareGroups(locked table) []LockDifference {
	repeated, ok := locked.table("metadata")["requires-dev"].(table)
	groups := p.groups()
	if !ok && len(locked.table("dev-dependencies")) > 0 {
		return nil
	}
	var all []LockDifference
	names := slices.AppendSeq(slices.Collect(maps.Keys(groups)), maps.Keys(repeated))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		all = append(all, p.compareRequirements(groups[name], repeated.tables(name), " of the group "+name)...)
	}
	return all
}

// groups returns the requirements of each dependency group, with those of the groups that it includes, by normalised name. uv adds its own
// older setting to the group dev.
func (p *PythonProject) groups() map[string][]string {
	raw := map[string][]any{}
	for name, value := range p.file.table("dependency-groups") {
		items, _ := value.([]any)
		raw[llb.NormalName(name)] = items
	}
	all := map[string][]string{}
	for name := range raw {
		all[name] = groupRequirements(raw, name, nil)
	}
	if older := p.file.table("tool", "uv").texts("dev-dependencies"); len(older) > 0 {
		all["dev"] = append(all["dev"], older...)
	}
	return all
}

// groupRequirements returns the requirements of one group. above are the groups that include it.
func groupRequirements(raw map[string][]any, name string, above []string) []string {
	if slices.Contains(above, name) {
		return nil // uv reports the circle
	}
	var all []string
	for _, item := range raw[name] {
		switch v := item.(type) {
		case string:
			all = append(all, v)
		case table:
			all = append(all, groupRequirements(raw, llb.NormalName(v.text("include-group")), append(slices.Clone(above), name))...)
		}
	}
	return all
}

// boundForm is a clause of requires-python that uv repeats as it is written.
var boundForm = regexp.MustCompile(`^(>=|<=|<|>)[0-9]+(\.[0-9]+)*$`)

// comparePython compares the versions of Python of the project at the root. The lock file of a workspace has those of all members together,
// and none of other projects that it names by path. uv writes some forms in another way, which are not compared.
func (l *UVLock) comparePython(p *PythonProject) []LockDifference {
	wanted, locked := p.standard.text("requires-python"), l.python
	want, plain := boundsOf(wanted)
	have, known := boundsOf(locked)
	if p.dir != "." || len(l.members) > 0 || locked == "" || !plain || !known || want == have {
		return nil
	}
	return []LockDifference{{p.text, p.keyLine("requires-python"), fmt.Sprintf("requires-python is %s in %s, but %s in %s", wanted, p.text.Name, locked, uvLockName)}}
}

// boundsOf returns the clauses of requires-python, sorted, and whether they can be compared: no kind of bound is there twice.
func boundsOf(text string) (string, bool) {
	var all, kinds []string
	for clause := range strings.SplitSeq(text, ",") {
		clause = blanks.ReplaceAllString(clause, "")
		m := boundForm.FindStringSubmatch(clause)
		if m == nil || slices.Contains(kinds, m[1][:1]) {
			return "", false
		}
		all, kinds = append(all, clause), append(kinds, m[1][:1])
	}
	slices.Sort(all)
	return strings.Join(all, ","), true
}
