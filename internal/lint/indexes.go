package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// mixedIndexes finds requirements files with several indexes and no rule which package comes from which. uv, Poetry and PDM have one in their
// lock files.
func mixedIndexes(in Input) []Finding {
	if in.Runtime.Dependencies.Manager != "pip" || in.Project == nil {
		return nil
	}
	files := slices.DeleteFunc(slices.Clone(in.Runtime.Dependencies.Files), func(file string) bool { return strings.HasSuffix(file, manifests.PyprojectTOML) })
	found, err := manifests.FindMixedIndexes(in.Project, files)
	if err != nil {
		return nil // reading the runtime reports it
	}
	var all []Finding
	for _, m := range found {
		names := slices.Clone(m.Unhashed[:min(len(m.Unhashed), maxDifferences)])
		if more := len(m.Unhashed) - len(names); more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		at := projectfile.SourceLocation{File: m.File.Name, Data: m.File.Data, First: m.Line, Last: m.Line}
		all = append(all, MixedIndexes.found(at, "any of several indexes may serve the packages without a hash (%s): write hashes with: %s",
			strings.Join(names, ", "), manifests.PinCommand(files[0])))
	}
	return all
}
