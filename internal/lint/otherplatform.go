package lint

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// platformsNotLocked finds packages whose optional dependencies are missing in npm's lock file. npm leaves out those for other platforms
// when it writes the file beside a node_modules of one platform (npm's issue 4828). npm ci then installs without a word what cannot run here.
func platformsNotLocked(in Input) []Finding {
	if in.Runtime.Dependencies.Manager != "npm" {
		return nil
	}
	name := npmLock(in.Runtime.Dependencies.Files)
	data, ok := in.read(name)
	var lock object
	if !ok || json.Unmarshal(data, &lock) != nil {
		return nil
	}
	entries, _ := lock["packages"].(object)
	var all []Finding
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		_, locked, isPackage := lastCut(key, "node_modules/")
		missing := notLocked(entries, key)
		if !isPackage || len(missing) == 0 {
			continue
		}
		text := strings.Join(missing[:min(len(missing), maxDifferences)], ", ")
		if more := len(missing) - maxDifferences; more > 0 {
			text += fmt.Sprintf(", and %d more", more)
		}
		line := lineOf(data, "packages", key)
		all = append(all, LockOutOfStep.found(projectfile.SourceLocation{File: name, Data: data, First: line, Last: line},
			"%s lacks optional dependencies of %s: %s: if it was written on another platform, remove node_modules and %[1]s, and run npm install --package-lock-only",
			name, locked, text))
	}
	return all
}

// notLocked returns the optional dependencies of an entry for which there is none that it would find, although there are others.
func notLocked(entries object, key string) []string {
	entry, _ := entries[key].(object)
	optional, _ := entry["optionalDependencies"].(object)
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(optional)) {
		found := false
		for dir := key; !found && dir != ""; dir, _, _ = lastCut(strings.TrimSuffix(dir, "/"), "node_modules/") {
			_, found = entries[path.Join(dir, "node_modules", name)]
			if !strings.Contains(dir, "node_modules/") {
				break
			}
		}
		if _, top := entries[path.Join("node_modules", name)]; !found && !top {
			missing = append(missing, name)
		}
	}
	if len(missing) == len(optional) {
		return nil // left out on purpose, as with npm install --omit=optional
	}
	return missing
}
