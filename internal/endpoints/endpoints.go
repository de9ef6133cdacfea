// Package endpoints lists the addresses that a build contacts, as far as they stand in a project's files: what a closed network has to let
// through. Package build knows those of the steps.
package endpoints

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

// inLockFile matches an address in a lock file up to the end of its host, without a user and password. The rest of an address belongs to
// one package.
var inLockFile = regexp.MustCompile(`["'= ](https?://)(?:[^/"' #@]*@)?((?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{N}._~-]+)(?::[0-9]+)?)/`)

// InLockFiles lists the servers that a project's lock files name, mirrors applied. A lock file without servers means those of its package
// manager, which the step that runs the manager knows. The project's tags must have been computed.
func InLockFiles(p *project.Project) []build.Contact {
	var all []build.Contact
	for _, file := range tags.Paths(p.Tree.LockFiles) {
		if !strings.HasSuffix(file, ".lock") && !strings.HasSuffix(file, "-lock.json") && !strings.HasSuffix(file, ".txt") {
			continue // a manifest, whose addresses are for people
		}
		data, err := profile.ReadFile(p.Files, file, profile.LockLimit)
		if err != nil {
			continue // it was read when the tags were computed, and is gone since
		}
		for _, m := range inLockFile.FindAllSubmatch(data, -1) {
			all = append(all, build.Contact{Address: p.Runtime.Mirrored(string(m[1]) + string(m[2])), For: file})
		}
	}
	return all
}

// Use is an address, and all that it is used for.
type Use struct {
	Address string   `json:"address"`
	For     []string `json:"for"`
}

// Group lists each address once, sorted.
func Group(all []build.Contact) []Use {
	uses := map[string][]string{}
	for _, e := range all {
		if !slices.Contains(uses[e.Address], e.For) {
			uses[e.Address] = append(uses[e.Address], e.For)
		}
	}
	grouped := []Use{}
	for _, address := range slices.Sorted(maps.Keys(uses)) {
		grouped = append(grouped, Use{address, uses[address]})
	}
	return grouped
}
