// Package lint runs static checks on a project. It finds valid settings that cause trouble later: a base image without a
// digest, secrets in the source, a lock file that does not match its manifest.
//
// Findings are not errors: a build continues. The package accesses nothing but the file system that it is given, so the
// client and the frontend report the same findings.
package lint

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// Input is what the rules check. Rules whose fields are empty find nothing.
type Input struct {
	Runtime *profile.Runtime
	// Project is the project's root. Rules read only .dockerignore, manifests, lock files and possible secrets. They skip
	// missing files, which a frontend may not have fetched.
	Project fs.FS
	// Copied lists the files that are copied into the image, relative to the project and slash-separated. Nil means unknown,
	// empty means that there are none.
	Copied     []string
	Platforms  []string    // platforms to build, os/arch[/variant]
	BaseDigest string      // current digest of the base's tag, "sha256:..."
	Published  []Published // existing tags that this build would publish
}

// Published is an existing tag.
type Published struct {
	Reference string
	Platforms []string // that it holds; empty means unknown ones that are not built
}

// Finding is a problem that a rule found, and its location.
type Finding struct {
	Rule        string `json:"rule"`
	Description string `json:"description"`         // of the rule
	Detail      string `json:"detail"`              // the problem, and what to do
	File        string `json:"file,omitempty"`      // relative to the project, or as on the command line
	Data        []byte `json:"-"`                   // the file's content; nil if it must not be shown
	First       int    `json:"firstLine,omitempty"` // from 1; 0 means the whole file
	Last        int    `json:"lastLine,omitempty"`
}

// Check returns the findings of all rules, sorted by file, line and rule.
func Check(in Input) []Finding {
	if in.Runtime == nil {
		in.Runtime = &profile.Runtime{}
	}
	var all []Finding
	for _, check := range []func(Input) []Finding{
		unpinnedBase, unpinnedTools, unverifiedTools, locksOutOfStep, nodeLocksOutOfStep, platformsNotLocked, uvLockOutOfStep, hashedLockOutOfStep, mixedIndexes, scriptsLeftOut, unhashedSources, secrets, hiddenFiles, lostPlatforms, missingStart, otherNode, missingModule, noCommand, installVariables,
	} {
		all = append(all, check(in)...)
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.First, b.First), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail))
	})
	return all
}

// field returns where the runtime file sets a field.
func (in Input) field(name string) projectfile.SourceLocation { return in.Runtime.Location(name) }

// read returns a file of the project, and whether it could be read.
func (in Input) read(name string) ([]byte, bool) {
	if in.Project == nil {
		return nil, false
	}
	limit := int64(projectfile.ManifestLimit)
	if name == packageLock || name == shrinkwrap {
		limit = projectfile.LockLimit
	}
	data, err := projectfile.ReadFile(in.Project, name, limit)
	return data, err == nil
}

// found returns a finding of the rule.
func (r Rule) found(at projectfile.SourceLocation, format string, args ...any) Finding {
	return Finding{
		Rule: r.Name, Description: r.Description, Detail: fmt.Sprintf(format, args...),
		File: at.File, Data: at.Data, First: at.First, Last: at.Last,
	}
}
