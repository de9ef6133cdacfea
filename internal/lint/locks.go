package lint

import (
	"bytes"
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

// npm's files. See npm's documentation of package-lock.json, "packages".
const (
	packageJSON = "package.json"
	packageLock = "package-lock.json"
	shrinkwrap  = "npm-shrinkwrap.json"
)

// dependencyFields are the manifest's fields that a lock file repeats.
var dependencyFields = []string{"dependencies", "devDependencies", "optionalDependencies", "peerDependencies"}

// maxDifferences limits the differences that a finding names.
const maxDifferences = 4

// object is a JSON object. Values of unexpected types are ignored, as npm does.
type object = map[string]any

// npmLock returns the lock file of a list that npm reads, or "" if there is none.
func npmLock(files []string) string {
	for _, name := range []string{shrinkwrap, packageLock} {
		if slices.Contains(files, name) {
			return name
		}
	}
	return ""
}

// locksOutOfStep compares npm's lock file with the manifests that it repeats.
func locksOutOfStep(in Input) []Finding {
	if in.Runtime.Dependencies.Manager != "npm" {
		return nil
	}
	name := npmLock(in.Runtime.Dependencies.Files)
	data, ok := in.read(name)
	if !ok {
		return nil
	}
	var lock object
	if err := json.Unmarshal(data, &lock); err != nil {
		at := projectfile.SourceLocation{File: name, Data: data}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at.First = lineAt(data, syntax.Offset-1)
			at.Last = at.First
		}
		return []Finding{LockOutOfStep.found(at, "%s is not valid JSON: %s: recreate it with npm install --package-lock-only", name, err)}
	}
	var all []Finding
	for _, m := range in.lockedManifests(lock) {
		all = append(all, m.finding(name)...)
	}
	return all
}

// lockedManifest is a package.json and what differs from it in the lock file.
type lockedManifest struct {
	file        string
	data        []byte
	absent      bool // it is a workspace that is not in the lock file
	differences []difference
}

// lockedManifests compares the manifests with their entries in a lock file.
func (in Input) lockedManifests(lock object) []lockedManifest {
	if version, _ := lock["lockfileVersion"].(float64); version < 2 {
		return nil // version 1 does not repeat the manifest
	}
	entries, _ := lock["packages"].(object)
	var all []lockedManifest
	for _, file := range in.Runtime.Dependencies.Files {
		if path.Base(file) == packageJSON {
			all = append(all, in.lockedManifest(file, entries))
		}
	}
	return all
}

// lockedManifest compares a manifest with its entry in the lock file. The entry's name is the manifest's directory.
func (in Input) lockedManifest(file string, entries object) lockedManifest {
	data, ok := in.read(file)
	m := lockedManifest{file: file, data: bytes.TrimPrefix(data, []byte("\uFEFF"))}
	var manifest object
	if !ok || json.Unmarshal(m.data, &manifest) != nil {
		return m // other code reports an invalid manifest
	}
	dir := path.Dir(file)
	if dir == "." {
		dir = ""
	}
	entry, known := entries[dir].(object)
	if !known && dir != "" {
		m.absent = in.hasWorkspaces() // else npm does not use this manifest, although the user lists it
		return m
	}
	m.differences = compare(manifest, entry)
	for i, d := range m.differences {
		m.differences[i].refused = refused(entries, dir, d.path[0], d.path[1], dependencies(manifest, d.path[0])[d.path[1]])
	}
	if dir == "" {
		m.differences = append(m.differences, compareOverrides(manifest, entries)...)
	}
	return m
}

// finding returns what is out of step.
func (m lockedManifest) finding(lock string) []Finding {
	at := projectfile.SourceLocation{File: m.file, Data: m.data}
	if m.absent {
		return []Finding{LockOutOfStep.found(at, "the workspace %s is not in %s, so npm ci fails: %s", path.Dir(m.file), lock, lockAgain)}
	}
	if len(m.differences) == 0 {
		return nil
	}
	at.First = lineOf(m.data, m.differences[0].path...)
	at.Last = at.First
	return []Finding{LockOutOfStep.found(at, "%s: %s", summarize(lock, m.file, m.differences, maxDifferences), lockAgain)}
}

// lockAgain says how to bring lock file and manifest in step.
const lockAgain = "run npm install --package-lock-only, and commit both"

// hasWorkspaces reports whether the project's manifest has workspaces.
func (in Input) hasWorkspaces() bool {
	data, _ := in.read(packageJSON)
	var manifest object
	_ = json.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &manifest) // other code reports an invalid manifest
	return manifest["workspaces"] != nil
}

// difference is a value that differs between manifest and lock file.
type difference struct {
	path    []string // in the manifest
	text    string
	refused bool // npm ci fails because of it
}

// summarize describes the first differences, and counts the others.
func summarize(lock, file string, differences []difference, most int) string {
	var texts []string
	for _, d := range differences[:min(len(differences), most)] {
		texts = append(texts, d.text)
	}
	if more := len(differences) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("%s does not agree with %s: %s", lock, file, strings.Join(texts, "; "))
}

// compare returns the differences, by field and name. The version of the project itself does not matter to npm ci.
func compare(manifest, entry object) []difference {
	var all []difference
	for _, field := range dependencyFields {
		want, locked := dependencies(manifest, field), dependencies(entry, field)
		names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(locked))
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if want[name] != locked[name] {
				all = append(all, difference{path: []string{field, name}, text: describe(name, field, want[name], locked[name])})
			}
		}
	}
	return all
}

// describe says how a value differs. An empty value is a missing one.
func describe(name, field, want, locked string) string {
	if field != "dependencies" {
		name += " of " + field
	}
	switch {
	case locked == "":
		return fmt.Sprintf("%s is %s, but is not in the lock file", name, want)
	case want == "":
		return fmt.Sprintf("%s is %s in the lock file, but is not in the manifest", name, locked)
	}
	return fmt.Sprintf("%s is %s, but %s in the lock file", name, want, locked)
}

// dependencies returns the names and version ranges of a field. It omits optional dependencies from "dependencies", because
// npm locks them only once.
func dependencies(manifest object, field string) map[string]string {
	fields, _ := manifest[field].(object)
	optional, _ := manifest["optionalDependencies"].(object)
	all := map[string]string{}
	for name, value := range fields {
		if _, twice := optional[name]; twice && field == "dependencies" {
			continue
		}
		if text, ok := value.(string); ok {
			all[name] = strconv.Quote(strings.TrimSpace(text)) // quoted, because the empty text is a valid range
		}
	}
	return all
}

// lineOf returns the line of a field of a JSON object, or that of the last existing part of its path.
func lineOf(data []byte, path ...string) int {
	decoder := json.NewDecoder(bytes.NewReader(data))
	line := 1
	for _, name := range path {
		if !seek(decoder, name) {
			break
		}
		line = lineAt(data, decoder.InputOffset())
	}
	return line
}

// seek reads the next object up to the value of a field, and reports whether the field exists.
func seek(decoder *json.Decoder, name string) bool {
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	for decoder.More() {
		if key, err := decoder.Token(); err != nil || key == name {
			return err == nil
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return false
		}
	}
	return false
}

// lineAt returns the line of the byte at offset.
func lineAt(data []byte, offset int64) int {
	return bytes.Count(data[:max(0, min(int(offset), len(data)))], []byte("\n")) + 1
}
