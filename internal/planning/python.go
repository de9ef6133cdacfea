package planning

import (
	"io/fs"

	"github.com/containerd/platforms"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/tags"
)

// Projects returns the Python projects that are installed with the dependencies, with their versions.
func Projects(runtime *profile.Runtime) []string {
	var all []string
	for _, d := range runtime.Project {
		all = append(all, d.Name+" "+d.Version)
	}
	return all
}

// DocumentOf returns the document for the plans of some platforms, with what the project's files say about its Python projects and packages.
// The error is that of a lock file.
func DocumentOf(names tags.Set, plans map[string]plan.JSON, runtime *profile.Runtime, files fs.FS) (plan.Document, error) {
	all := map[string]plan.JSON{}
	for name, made := range plans {
		platform, err := platforms.Parse(name)
		if err != nil {
			return plan.Document{}, err
		}
		without, err := runtime.WithoutWheel(files, platform.Architecture)
		if err != nil {
			return plan.Document{}, err
		}
		made.Compiled, made.Impossible = without.Compiled, without.Impossible
		all[name] = made
	}
	document := plan.NewDocument(names, all)
	document.Projects = Projects(runtime)
	return document, nil
}
