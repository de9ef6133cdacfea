package manifests

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// LockDifference is a requirement in which a manifest and the lock file differ.
type LockDifference struct {
	Manifest projectfile.Text
	Line     int // of the manifest, from 1; 0: unknown
	Text     string
}

// Compare compares the lock file with the requirements of a project of the context: names, extras, and versions that are written as plain
// numbers, also of its groups, and the versions of Python. The lock file repeats them, so nothing has to be resolved. Compare finds nothing
// where only a build backend knows the requirements.
func (l *UVLock) Compare(p *PythonProject) []LockDifference {
	locked := l.at(p.dir)
	if locked == nil || p.standard.text("name") == "" {
		return nil
	}
	return slices.Concat(l.comparePython(p), p.compareLock(locked), p.compareGroups(locked))
}

// compareLock compares the project's requirements with those that its entry in the lock file repeats. Lock files without that part are
// older.
func (p *PythonProject) compareLock(locked table) []LockDifference {
	metadata, repeated := locked["metadata"].(table)
	dynamic := p.standard.texts("dynamic")
	if !repeated && len(locked.tables("dependencies")) > 0 || slices.Contains(dynamic, "dependencies") || slices.Contains(dynamic, "optional-dependencies") {
		return nil
	}
	if slices.Contains(dynamic, "version") && p.requiresItself() {
		return nil // uv has asked the build backend, and some write the requirements of the named extras out
	}
	return p.compareRequirements(p.requirements(), metadata.tables("requires-dist"), "")
}

// requiresItself reports whether an extra names other extras of the project.
func (p *PythonProject) requiresItself() bool {
	own := llb.NormalName(p.standard.text("name"))
	return slices.ContainsFunc(p.requirements(), func(text string) bool {
		r, ok := parseRequirement(text)
		return ok && r.name == own
	})
}

// compareRequirements compares requirements of the manifest with those of the lock file. of says what has them.
func (p *PythonProject) compareRequirements(wanted []string, locked []table, of string) []LockDifference {
	want, have := map[string][]requirement{}, map[string][]requirement{}
	for _, text := range wanted {
		if r, ok := parseRequirement(text); ok {
			want[r.name] = append(want[r.name], r)
		}
	}
	for _, entry := range locked {
		r := lockedRequirement(entry)
		have[r.name] = append(have[r.name], r)
	}
	names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(have))
	slices.Sort(names)
	var all []LockDifference
	for _, name := range slices.Compact(names) {
		if text := differ(p.text.Name, want[name], have[name], of); text != "" {
			all = append(all, LockDifference{p.text, p.lineOf(name), text})
		}
	}
	return all
}

// requirements returns the project's requirements, with those of its extras.
func (p *PythonProject) requirements() []string {
	all := p.standard.texts("dependencies")
	extras := p.standard.table("optional-dependencies")
	for _, extra := range slices.Sorted(maps.Keys(extras)) {
		all = append(all, extras.texts(extra)...)
	}
	return all
}

// lineOf returns the line of the manifest that requires a package, or 0.
func (p *PythonProject) lineOf(name string) int {
	for i, line := range strings.Split(string(p.text.Data), "\n") {
		for _, quoted := range quotedText.FindAllStringSubmatch(line, -1) {
			if r, ok := parseRequirement(cmp.Or(quoted[1], quoted[2])); ok && r.name == name {
				return i + 1
			}
		}
	}
	return 0
}

var quotedText = regexp.MustCompile(`"([^"]*)"|'([^']*)'`)

// requirement is a requirement without its marker.
type requirement struct {
	name, extras, versions string // normalised and sorted
	plain                  bool   // the versions can be compared
}

// text returns the requirement as a manifest writes it.
func (r requirement) text() string {
	if r.extras != "" {
		return r.name + "[" + r.extras + "]" + r.versions
	}
	return r.name + r.versions
}

var requirementForm = regexp.MustCompile(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*([^;@]*)(@[^;]*)?(?:;.*)?$`)

// parseRequirement reads a requirement of a manifest, in the format of PyPA's "Dependency specifiers".
func parseRequirement(text string) (requirement, bool) {
	m := requirementForm.FindStringSubmatch(text)
	if m == nil {
		return requirement{}, false
	}
	r := requirement{name: llb.NormalName(m[1]), extras: extrasOf(strings.Split(m[2], ","))}
	r.versions, r.plain = versionsOf(strings.Trim(strings.TrimSpace(m[3]), "()"))
	r.plain = r.plain && m[4] == ""
	return r, true
}

// lockedRequirement reads a requirement of uv.lock. One that has a source may lack its versions.
func lockedRequirement(entry table) requirement {
	r := requirement{name: llb.NormalName(entry.text("name")), extras: extrasOf(entry.texts("extras"))}
	r.versions, r.plain = versionsOf(entry.text("specifier"))
	for _, source := range []string{"path", "directory", "editable", "virtual", "url", "git"} {
		r.plain = r.plain && entry[source] == nil
	}
	return r
}

func extrasOf(names []string) string {
	var all []string
	for _, name := range names {
		if name = strings.TrimSpace(name); name != "" {
			all = append(all, llb.NormalName(name))
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ",")
}

// plainVersion is a version clause that uv writes into uv.lock as it stands in the manifest, but for blanks.
var plainVersion = regexp.MustCompile(`^(===?|!=|<=|>=|<|>|~=)(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*(\.\*)?$`)

// versionsOf returns the clauses of a version specifier, sorted, and whether they are all plain.
func versionsOf(text string) (string, bool) {
	plain, all := true, []string{}
	for _, clause := range strings.Split(text, ",") {
		if clause = blanks.ReplaceAllString(clause, ""); clause != "" {
			plain = plain && plainVersion.MatchString(clause)
			all = append(all, clause)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ","), plain
}

// differ says in what the requirements of one package differ, or "". Of a package that is required more than once, by markers, only the
// presence is compared. of says what has the requirements.
func differ(manifest string, want, have []requirement, of string) string {
	switch {
	case len(have) == 0:
		return fmt.Sprintf("%s%s is in %s, but not in %s", want[0].text(), of, manifest, uvLockName)
	case len(want) == 0:
		return fmt.Sprintf("%s%s is in %s, but not in %s", have[0].text(), of, uvLockName, manifest)
	case len(want) > 1 || len(have) > 1:
		return ""
	}
	one, other := want[0], have[0]
	if one.extras != other.extras || one.plain && other.plain && one.versions != other.versions {
		return fmt.Sprintf("%s%s is %s in %s, but %s in %s", one.name, of, one.text(), manifest, other.text(), uvLockName)
	}
	return ""
}
