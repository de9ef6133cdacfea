package manifests

import (
	"io/fs"
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// PatchPackage is the program that applies patches to installed npm packages, and the script that runs it.
const PatchPackage = "patch-package"

// patchesDir is the directory in which patch-package looks by default.
const patchesDir = "patches"

// Patches says how a project patches its npm packages.
type Patches struct {
	Files     []string // of patches/, sorted
	Installed bool     // patch-package is a dependency, or a development dependency if those are installed
}

// NPMPatches returns the patches of a project whose own postinstall or prepare script is exactly patch-package, or nil if there are none.
// development says that development dependencies are installed, too.
func NPMPatches(fsys fs.FS, development bool) (*Patches, error) {
	fields, err := readPackageJSON(fsys)
	scripts, _ := fields["scripts"].(map[string]any)
	if err != nil || scripts["postinstall"] != PatchPackage && scripts["prepare"] != PatchPackage {
		return nil, err
	}
	files, err := patchFiles(fsys)
	if err != nil || len(files) == 0 {
		return nil, err
	}
	installs := []string{"dependencies", "optionalDependencies"}
	if development {
		installs = append(installs, "devDependencies")
	}
	return &Patches{files, slices.ContainsFunc(installs, func(field string) bool {
		names, _ := fields[field].(map[string]any)
		return names[PatchPackage] != nil
	})}, nil
}

// patchFiles returns the patches of a project. As patch-package does, it looks in subdirectories, too.
func patchFiles(fsys fs.FS) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, patchesDir, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case projectfile.Absent(err):
			return nil
		case err != nil:
			return projectfile.Unread(file, err)
		case !entry.IsDir() && path.Ext(file) == ".patch":
			files = append(files, file)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}
