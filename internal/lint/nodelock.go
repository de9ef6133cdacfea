package lint

import (
	"bytes"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// nodeLock is how the lock file of a package manager beside npm is compared with the manifests.
type nodeLock struct {
	file  string
	parse func([]byte) manifests.LockRequests
	again string // how to write it anew
}

var nodeLocks = map[string]nodeLock{
	"pnpm": {manifests.PNPMLock, manifests.PNPMRequests, "run pnpm install --lockfile-only, and commit both"},
	"yarn": {manifests.YarnLock, manifests.YarnRequests, "run yarn install, and commit both"},
	"bun":  {manifests.BunLock, manifests.BunRequests, "run bun install --lockfile-only, and commit both"},
}

// staleNodeLocks returns the manifests that differ from what the lock file of pnpm, yarn or bun was made from. The manager refuses each. It
// leaves out what the files alone do not say: ranges with a protocol, and manifests that hooks or overrides change.
func staleNodeLocks(in Input) (stale []lockedManifest, lock nodeLock) {
	lock, known := nodeLocks[in.Runtime.Dependencies.Manager]
	if !known || in.Project == nil {
		return nil, lock
	}
	data, err := projectfile.ReadFile(in.Project, lock.file, projectfile.LockLimit)
	if err != nil || projectfile.Exists(in.Project, ".pnpmfile.cjs") || projectfile.Exists(in.Project, ".pnpmfile.mjs") {
		return nil, lock
	}
	requests := lock.parse(data)
	differs := func(dir string, manifest object) []difference { return compareRequests(manifest, requests[dir]) }
	if lock.file == manifests.YarnLock && manifests.ParseYarnLock(data).Version == "" {
		differs = in.yarnDiffers(manifests.YarnPatterns(data))
	}
	for _, file := range in.Runtime.Dependencies.Files {
		data, ok := in.read(file)
		m := lockedManifest{file: file, data: bytes.TrimPrefix(data, []byte("\uFEFF"))}
		var manifest object
		if path.Base(file) != packageJSON || !ok || json.Unmarshal(m.data, &manifest) != nil {
			continue
		}
		if m.differences = differs(path.Dir(file), manifest); len(m.differences) > 0 {
			stale = append(stale, m)
		}
	}
	return stale, lock
}

// runtimeProtocol begins the range that pnpm locks for a program such as node, if devEngines or engines ask it to download one.
const runtimeProtocol = "runtime:"

// compareRequests returns the differences between a manifest and what its lock file was made from, by name. Nil means that the lock file
// does not say.
func compareRequests(manifest object, locked map[string]string) []difference {
	if locked == nil {
		return nil
	}
	peers := dependencies(manifest, "peerDependencies") // pnpm may lock them with the others
	wanted := requestsOf(manifest)
	names := slices.AppendSeq(slices.Collect(maps.Keys(wanted)), maps.Keys(locked))
	slices.Sort(names)
	var all []difference
	for _, name := range slices.Compact(names) {
		requests, asked := wanted[name]
		have, known := locked[name]
		switch {
		case !asked && (peers[name] != "" || strings.HasPrefix(have, runtimeProtocol)):
		case !known && peers[name] != "":
		case !asked:
			all = append(all, difference{path: []string{"dependencies"}, text: describe(name, "dependencies", "", strconv.Quote(have))})
		case !known && !strings.HasPrefix(requests[0].text, "link:"):
			all = append(all, difference{path: requests[0].path, text: describe(name, "dependencies", strconv.Quote(requests[0].text), "")})
		case known && !slices.ContainsFunc(requests, func(r request) bool { return r.is(have) }):
			all = append(all, difference{path: requests[0].path, text: describe(name, "dependencies", strconv.Quote(requests[0].text), strconv.Quote(have))})
		}
	}
	return all
}

// request is a range in a manifest.
type request struct {
	path []string
	text string
}

// is reports whether a range in the lock file may be this one. Managers write ranges with a protocol and names of repositories in other
// ways.
func (r request) is(locked string) bool {
	plain := strings.TrimPrefix(r.text, "npm:")
	return plain == strings.TrimPrefix(locked, "npm:") || strings.ContainsAny(plain, ":/")
}

// requestsOf returns the ranges of a manifest's dependencies by name. A name may be in several fields.
func requestsOf(manifest object) map[string][]request {
	all := map[string][]request{}
	for _, field := range []string{"optionalDependencies", "dependencies", "devDependencies"} {
		fields, _ := manifest[field].(object)
		for name, value := range fields {
			if text, ok := value.(string); ok {
				all[name] = append(all[name], request{[]string{field, name}, strings.TrimSpace(text)})
			}
		}
	}
	return all
}

// yarnDiffers returns a function that finds what a lock file of yarn 1 lacks of a manifest of the project or of a member. Others may be
// dependencies. It does what the program yarn_locked.js of package llb does in a step.
func (in Input) yarnDiffers(patterns map[string]bool) func(dir string, manifest object) []difference {
	members, _ := manifests.WorkspaceManifests(in.Project) // reading the runtime reports the error
	names := map[string]bool{}
	for _, file := range append(members, packageJSON) {
		names[in.manifestName(file)] = true
	}
	for name := range in.resolutions() {
		names[name] = true
	}
	return func(dir string, manifest object) (all []difference) {
		if dir != "." && !slices.Contains(members, path.Join(dir, packageJSON)) {
			return nil
		}
		requests := requestsOf(manifest)
		for _, name := range slices.Sorted(maps.Keys(requests)) {
			wanted := requests[name][0]
			if names[name] || wanted.text == "" || strings.ContainsAny(wanted.text, ":/") || patterns[name+"@"+wanted.text] {
				continue
			}
			all = append(all, difference{path: wanted.path, text: describe(name, "dependencies", strconv.Quote(wanted.text), "")})
		}
		return all
	}
}

// manifestName returns the name of a package.json, or "".
func (in Input) manifestName(file string) string {
	data, _ := in.read(file)
	var manifest struct{ Name string }
	_ = json.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &manifest) // other code reports an invalid manifest
	return manifest.Name
}

// resolutions returns the names of the packages whose versions the project's manifest sets for yarn.
func (in Input) resolutions() map[string]bool {
	data, _ := in.read(packageJSON)
	var manifest struct{ Resolutions map[string]any }
	_ = json.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &manifest)
	names := map[string]bool{}
	for key := range manifest.Resolutions {
		name := path.Base(key)
		if scope := path.Base(path.Dir(key)); strings.HasPrefix(scope, "@") {
			name = scope + "/" + name
		}
		names[name] = true
	}
	return names
}

// nodeLocksOutOfStep gives one finding for each manifest that the lock file of pnpm, yarn or bun does not agree with.
func nodeLocksOutOfStep(in Input) []Finding {
	stale, lock := staleNodeLocks(in)
	var all []Finding
	for _, m := range stale {
		line := lineOf(m.data, m.differences[0].path...)
		at := projectfile.SourceLocation{File: m.file, Data: m.data, First: line, Last: line}
		all = append(all, LockOutOfStep.found(at, "%s: %s", summarize(lock.file, m.file, m.differences, maxDifferences), lock.again))
	}
	return all
}

// checkNodeLock returns an error with all faults of the first such manifest.
func checkNodeLock(in Input) error {
	stale, lock := staleNodeLocks(in)
	for _, m := range stale {
		text := projectfile.Text{Name: m.file, Data: m.data}
		return text.At(lineOf(m.data, m.differences[0].path...), 0, lock.again, "%s", summarize(lock.file, m.file, m.differences, len(m.differences)))
	}
	return nil
}
