package project

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/rtbuild/rtbuild/internal/gitindex"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// contextAbove returns the context of a project that the user names by its own directory, packages/agent: the runtime file there says
// directory: packages/agent, and the context is two directories up. The options then hold the file.
//
// A project is not trusted. Its file can move the context up only within the git repository that tracks it, so that no archive makes a build
// read the directories of its user. See refuseAbove.
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
	if why := refuseAbove(above, root); why != "" {
		return "", fmt.Errorf("%s says directory: %s, and the directory that the context would be %s", name, dir, why)
	}
	if opts.Data == nil {
		name = path.Join(dir, runtimefile.Name)
	}
	opts.Name, opts.Data = name, data
	return above, nil
}

// refuseAbove returns why a directory above a project does not become its context by itself, and what to do, or "".
func refuseAbove(above, root string) string {
	if why := refuseWorkspace(above, root); why != "" {
		return why
	}
	tracked, err := gitindex.Tracks(root)
	named := nameContext(above, root)
	if unreadable := new(gitindex.UnreadableError); errors.As(err, &unreadable) {
		err = unreadable.Err // the rest is about executable files
	}
	if err != nil {
		return fmt.Sprintf("is in a git repository whose index cannot be read: %v; or %s", err, named)
	}
	if !tracked {
		return fmt.Sprintf("is in a git repository that tracks no file of the project: git add %s, or %s", root, named)
	}
	return ""
}

// refuseWorkspace is refuseAbove without a look at what git tracks.
func refuseWorkspace(above, root string) string {
	repository := gitindex.Top(root)
	switch {
	case repository == "" || len(above) < len(repository):
		return "is in no git repository with it: " + nameContext(above, root)
	case HoldsHome(above):
		return fmt.Sprintf("is %s, which is your home directory or holds it: move the workspace to a directory of its own", above)
	}
	for _, name := range []string{above, repository, filepath.Join(repository, ".git")} {
		if !ownedByUser(name) {
			return fmt.Sprintf("is not yours, because %s belongs to another user: %s", name, nameContext(above, root))
		}
	}
	return ""
}

// nameContext says how the user names a context.
func nameContext(above, root string) string {
	return fmt.Sprintf("name the context, as in: solve -f %s %s", filepath.Join(root, runtimefile.Name), above)
}

// HoldsHome reports whether a directory is the home directory of the user, a directory above that, or the root of the file system.
func HoldsHome(dir string) bool {
	if dir == filepath.Dir(dir) {
		return true
	}
	own, err := os.Stat(dir)
	if err != nil {
		return true
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return false // such a user, of a container, has none
	}
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	for ; ; home = filepath.Dir(home) {
		if info, err := os.Stat(home); err == nil && os.SameFile(info, own) {
			return true
		}
		if home == filepath.Dir(home) {
			return false
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
// It looks only in the project's git repository, and where the context may be. Without such a directory, all are empty.
func Workspace(root string) (above, dir, lock string) {
	for above = filepath.Dir(root); refuseWorkspace(above, root) == ""; above = filepath.Dir(above) {
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
