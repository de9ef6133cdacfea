// Package lint finds what is legal in a project and will hurt later: a base that moves, secrets in the source, a lock file
// that is out of step. It exists apart from the parser because a finding is no error: a build goes on. It is pure but for the
// file system that it is given, so that the client and the frontend image say the same.
package lint

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// Input is what is known of a project. All but Runtime may be left out: the rules that need it then find nothing.
type Input struct {
	Runtime *profile.Runtime
	// Project is the project's root. Only .dockerignore, manifests, lock files and what looks like a secret are read; a file
	// that is not there is taken for one that was not fetched.
	Project fs.FS
	// Copied are the files that are copied into the image, as slash-separated paths relative to the project. Nil means that
	// they are not known, empty that there are none.
	Copied     []string
	Platforms  []string    // that are built, os/arch[/variant]
	BaseDigest string      // what the base's tag points to today, "sha256:..."
	Published  []Published // the tags that exist and that this build would publish to
}

// Published is a tag that exists.
type Published struct {
	Reference string
	Platforms []string // that it holds; empty: others than those that are built, which ones is not known
}

// Finding is one thing that a rule found, and where.
type Finding struct {
	Rule        string `json:"rule"`
	Description string `json:"description"`         // of the rule
	Detail      string `json:"detail"`              // what was found, and what to do
	File        string `json:"file,omitempty"`      // relative to the project, or as the command line names it
	Data        []byte `json:"-"`                   // the whole file; nil if it is not to be shown
	First       int    `json:"firstLine,omitempty"` // from 1; 0: the file as a whole
	Last        int    `json:"lastLine,omitempty"`
}

// Check gives what all rules find, by file, line and rule.
func Check(in Input) []Finding {
	if in.Runtime == nil {
		in.Runtime = &profile.Runtime{}
	}
	var all []Finding
	for _, check := range []func(Input) []Finding{
		unpinnedBase, unpinnedTools, unverifiedTools, locksOutOfStep, unhashedSources, secrets, hiddenFiles, lostPlatforms,
	} {
		all = append(all, check(in)...)
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.First, b.First), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Detail, b.Detail))
	})
	return all
}

// field is where the runtime file sets a field.
func (in Input) field(name string) projectfile.SourceLocation { return in.Runtime.Location(name) }

// read gives a file of the project, false if it is not at hand.
func (in Input) read(name string) ([]byte, bool) {
	if in.Project == nil {
		return nil, false
	}
	limit := int64(projectfile.ManifestLimit)
	if name == packageLock {
		limit = projectfile.LockLimit
	}
	data, err := projectfile.ReadFile(in.Project, name, limit)
	return data, err == nil
}

// found makes a finding of a rule.
func (r Rule) found(at projectfile.SourceLocation, format string, args ...any) Finding {
	return Finding{
		Rule: r.Name, Description: r.Description, Detail: fmt.Sprintf(format, args...),
		File: at.File, Data: at.Data, First: at.First, Last: at.Last,
	}
}
