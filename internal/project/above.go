package project

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// contextAbove returns the context of a project that the user names by its own directory, packages/agent: the runtime file there says
// directory: packages/agent, and the context is two directories up. The options then hold the file.
//
// A project is not trusted. Its file can move the context up only within its git repository, so that no checkout makes a build read the
// directories of its user.
func contextAbove(root string, opts *profile.Options) (string, error) {
	name, data := opts.Name, opts.Data
	if data == nil {
		files, err := projectfile.Confined(root)
		if err != nil {
			return "", err
		}
		if data, err = runtimefile.ReadRuntime(files, runtimefile.Name); projectfile.Absent(err) {
			return root, nil
		} else if err != nil {
			return "", err
		}
		name = runtimefile.Name
	}
	dir, err := runtimefile.Directory(name, data)
	if err != nil || dir == "" || isDir(filepath.Join(root, filepath.FromSlash(dir))) {
		return root, nil // an error is that of the whole file, too
	}
	above, found := strings.CutSuffix(root, string(filepath.Separator)+filepath.FromSlash(dir))
	if !found {
		return "", fmt.Errorf("%s says directory: %s, and the context %s has no such directory: name another context, or correct the line", name, dir, root)
	}
	if repository := gitRoot(root); repository == "" || len(above) < len(repository) {
		return "", fmt.Errorf("%s says directory: %s, and the directory that the context would be is in no git repository with it: name the context, as in: solve -f %s %s",
			name, dir, filepath.Join(root, runtimefile.Name), above)
	}
	if opts.Data == nil {
		name = path.Join(dir, runtimefile.Name)
	}
	opts.Name, opts.Data = name, data
	return above, nil
}

// gitRoot returns the nearest directory at or above dir that is a git repository, or "" if there is none.
func gitRoot(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if exists(filepath.Join(dir, ".git")) {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// adviseContext returns err or, if a lock file is in a directory above the project in the same git repository, an error that says what to
// write.
func adviseContext(root string, err error) error {
	above, dir, lock := Workspace(root)
	if lock == "" {
		return err
	}
	return fmt.Errorf("the project has no lock file, and %s has a %s: if the project is a member of that workspace, write directory: %s in %s",
		above, lock, dir, filepath.Join(root, runtimefile.Name))
}

// Workspace returns the nearest directory above a project that has a lock file, the project's directory in it, and the name of the lock file.
// It looks only in the project's git repository. Without such a directory, all are empty.
func Workspace(root string) (above, dir, lock string) {
	repository := gitRoot(root)
	if repository == "" {
		return "", "", ""
	}
	for above = root; above != repository; {
		above = filepath.Dir(above)
		files, err := projectfile.Confined(above)
		if err != nil {
			return "", "", ""
		}
		if lock = profile.FindLock(files); lock != "" {
			dir, _ = within(above, root)
			return above, dir, lock
		}
	}
	return "", "", ""
}
