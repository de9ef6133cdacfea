package lint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// checkNPMLock returns all differences between npm's lock file and the manifests that npm ci refuses for certain, so that they are said
// before the build and not by a step of it. Each manifest is a [*projectfile.Error]. Other findings of LockOutOfStep may do no harm.
func checkNPMLock(in Input) error {
	if in.Runtime.Dependencies.Manager != "npm" {
		return nil
	}
	name := npmLock(in.Runtime.Dependencies.Files)
	data, ok := in.read(name)
	var lock object
	if !ok || json.Unmarshal(data, &lock) != nil {
		return nil // npm resolves conflicts of a merge by itself
	}
	var faults []error
	for _, m := range in.lockedManifests(lock) {
		if fault := m.fault(name); fault != nil {
			faults = append(faults, fault)
		}
	}
	return errors.Join(faults...)
}

// fault returns an error with all that npm ci refuses, or nil. It points at the first.
func (m lockedManifest) fault(lock string) error {
	text := projectfile.Text{Name: m.file, Data: m.data}
	if m.absent {
		return text.At(0, 0, lockAgain, "the workspace %s is not in %s, so npm ci fails", path.Dir(m.file), lock)
	}
	refused := slices.DeleteFunc(slices.Clone(m.differences), func(d difference) bool { return !d.refused })
	if len(refused) == 0 {
		return nil
	}
	return text.At(lineOf(m.data, refused[0].path...), 0, lockAgain, "npm ci fails: %s", summarize(lock, m.file, refused, len(refused)))
}

// refused reports whether npm ci refuses a dependency of the manifest in a directory: no package of this name is locked where the manifest
// would find it, or one in a version that does not satisfy the range. Peer dependencies are refused only without legacy-peer-deps.
func refused(entries object, dir, field, name, quoted string) bool {
	if quoted == "" || field == "peerDependencies" {
		return false // npm removes what is only in the lock file
	}
	wanted, _ := strconv.Unquote(quoted)
	for {
		entry, known := entries[path.Join(dir, "node_modules", name)].(object)
		if known {
			return misses(entry, wanted)
		}
		if dir == "" {
			return true
		}
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
	}
}

// misses reports whether the version of a locked package certainly does not satisfy a range.
func misses(entry object, wanted string) bool {
	version, _ := entry["version"].(string)
	ok, known := satisfies(version, wanted)
	return entry["link"] != true && known && !ok
}

// compareOverrides finds overrides that the lock file does not know: it repeats none, but holds versions that they forbid.
func compareOverrides(manifest, entries object) []difference {
	overrides, _ := manifest["overrides"].(object)
	var all []difference
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		wanted := overrideOf(overrides[name], manifest)
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			entry, _ := entries[key].(object)
			_, locked, _ := lastCut(key, "node_modules/")
			if locked != name || entry["inBundle"] == true || entry["name"] != nil || !misses(entry, wanted) {
				continue
			}
			all = append(all, difference{[]string{"overrides", name}, fmt.Sprintf("%s is overridden to be %q, but %s is %v in the lock file", name, wanted, key, entry["version"]), true})
			break
		}
	}
	return all
}

// overrideOf returns the range that an override sets for every package of its name, or "". "$NAME" is the range of a dependency.
func overrideOf(value any, manifest object) string {
	if nested, ok := value.(object); ok {
		value = nested["."]
	}
	text, _ := value.(string)
	if name, refers := strings.CutPrefix(text, "$"); refers {
		quoted := cmp.Or(dependencies(manifest, "dependencies")[name], dependencies(manifest, "devDependencies")[name], dependencies(manifest, "optionalDependencies")[name])
		text, _ = strconv.Unquote(quoted)
	}
	return text
}

// lastCut cuts a text around the last separator.
func lastCut(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// satisfies reports whether a version satisfies a range, and whether that is known. It knows versions, and ranges of one version with ^, ~
// or nothing before it. Unknown are other ranges and pre-releases.
func satisfies(version, wanted string) (ok, known bool) {
	wanted = strings.TrimSpace(wanted)
	operator := ""
	if strings.HasPrefix(wanted, "^") || strings.HasPrefix(wanted, "~") {
		operator, wanted = wanted[:1], strings.TrimSpace(wanted[1:])
	}
	have, isVersion := numbers(version)
	least, isExact := numbers(strings.TrimLeft(wanted, "=v "))
	if !isVersion || !isExact {
		return false, false
	}
	fixed := 3 // numbers that must be equal
	switch operator {
	case "~":
		fixed = 2
	case "^":
		fixed = 1 + slices.IndexFunc(least[:], func(n int) bool { return n > 0 })
	}
	return slices.Equal(have[:fixed], least[:fixed]) && slices.Compare(have[:], least[:]) >= 0, fixed > 0
}

// numbers returns the numbers of a version without further parts, such as "1.2.3".
func numbers(version string) (n [3]int, ok bool) {
	parts := strings.Split(version, ".")
	if len(parts) != len(n) {
		return n, false
	}
	for i, part := range parts {
		var err error
		if n[i], err = strconv.Atoi(part); err != nil || n[i] < 0 {
			return n, false
		}
	}
	return n, true
}
