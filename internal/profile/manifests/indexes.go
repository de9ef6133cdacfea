package manifests

import (
	"io/fs"
	"regexp"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// MixedIndexes is a requirements file in which several indexes may have a package.
type MixedIndexes struct {
	File     projectfile.Text
	Line     int      // that names a further index, from 1
	Unhashed []string // the requirements whose files no hash decides
}

var furtherIndex = regexp.MustCompile(`^--extra-index-url\b`)

// FindMixedIndexes returns the requirements files that name a further index, and require packages without hashes: pip takes each from
// whichever index has it, also from one that somebody else may publish on.
func FindMixedIndexes(fsys fs.FS, files []string) ([]MixedIndexes, error) {
	var all []MixedIndexes
	var unhashed []string
	err := eachRequirement(fsys, files, func(t projectfile.Text, l logicalLine, spec string) error {
		switch {
		case furtherIndex.MatchString(l.text):
			all = append(all, MixedIndexes{File: t, Line: l.number})
		case pinForm.MatchString(spec) && !strings.Contains(l.text, "--hash") && !strings.HasPrefix(spec, "-"):
			unhashed = append(unhashed, spec)
		}
		return nil
	})
	if len(unhashed) == 0 {
		return nil, err
	}
	for i := range all {
		all[i].Unhashed = unhashed
	}
	return all, err
}
