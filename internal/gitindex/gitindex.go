// Package gitindex reads from git's index what a file system cannot say: which files are executable, and which are links. Git notes
// in its configuration what it found missing when it made the checkout, so a checkout on Windows has the tags of one on Linux.
//
// The package runs no git: a repository's configuration may name programs to run, and projects are not trusted.
package gitindex

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// UnreadableError reports an index that this package cannot read. The tags are then those of the file system.
type UnreadableError struct {
	Dir string // git's directory
	Err error
}

// Error says what is lost, and what helps.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("git's index in %s cannot be read: %v: the file system says which files are executable or links, so the tags may differ from those of other systems", e.Dir, e.Err)
}

// Unwrap returns why the index cannot be read.
func (e *UnreadableError) Unwrap() error { return e.Err }

// Read returns what git's index says about the context directory, an absolute path without links. It returns nil if the directory is
// in no checkout, or if git trusts the file system: if core.fileMode and core.symlinks are not false in the repository's configuration.
//
// The error is an [*UnreadableError] if there is an index, and it cannot be read.
func Read(context string) (*tags.Checkout, error) {
	top, dir := find(context)
	if dir == "" {
		return nil, nil
	}
	modes, links, err := missing(dir)
	if err != nil {
		return nil, &UnreadableError{dir, err}
	}
	if !modes && !links {
		return nil, nil
	}
	entries, err := read(dir)
	if err != nil || entries == nil {
		return nil, err
	}
	prefix, err := filepath.Rel(top, context)
	return checkout(entries, filepath.ToSlash(prefix), modes, links), err
}

// Top returns the nearest directory at or above dir that is the top of a working tree of git, or "" if there is none.
func Top(dir string) string {
	top, _ := find(dir)
	return top
}

// Tracks reports whether git tracks a file in a directory, an absolute path without links. The error is an [*UnreadableError].
func Tracks(dir string) (bool, error) {
	top, git := find(dir)
	if git == "" {
		return false, nil
	}
	prefix, err := filepath.Rel(top, dir)
	if err != nil {
		return false, err
	}
	entries, err := read(git)
	return slices.ContainsFunc(entries, func(e *index.Entry) bool {
		_, inside := below(e.Name, filepath.ToSlash(prefix))
		return inside
	}), err
}

// below returns the name of an entry relative to a directory, and whether it is in that. A name that leads elsewhere is in no directory.
func below(name, dir string) (string, bool) {
	if _, err := filepath.Localize(name); err != nil {
		return "", false
	}
	if dir == "." {
		return name, true
	}
	return strings.CutPrefix(name, dir+"/")
}

// checkout selects what is below a directory of the working tree.
func checkout(entries []*index.Entry, prefix string, modes, links bool) *tags.Checkout {
	c := &tags.Checkout{Executable: map[string]bool{}, Links: map[string]bool{}}
	for _, e := range entries {
		name, inside := below(e.Name, prefix)
		switch {
		case !inside:
		case e.Mode == filemode.Symlink && links:
			c.Links[name] = true
		case e.Mode.IsFile() && e.Mode != filemode.Symlink && modes:
			c.Executable[name] = e.Mode == filemode.Executable
		}
	}
	return c
}

// find returns the top of the working tree that a directory is in, and its git directory. Both are empty if there is none.
func find(dir string) (top, git string) {
	for {
		if git := gitDir(filepath.Join(dir, ".git")); git != "" {
			return dir, git
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ""
		}
		dir = parent
	}
}

// gitDir returns the git directory that .git is or names, or "" if it is neither.
func gitDir(name string) string {
	if target, err := os.Readlink(name); err == nil && remote(target) {
		return ""
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return ""
	case info.IsDir():
		return name
	}
	return pointer(name, "gitdir: ")
}

// pointer returns the path in a file of git, relative to the file's directory: gitrepository-layout(5). A path on another machine is "".
func pointer(file, prefix string) string {
	f, err := open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, 64<<10)).ReadString('\n')
	name, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), prefix)
	if !ok || name == "" || remote(name) {
		return ""
	}
	if name = filepath.FromSlash(name); !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(file), name)
	}
	return name
}

// remote reports whether Windows would take a path for one on another machine, or for a device. Looking at such a path sends the
// user's login to that machine.
func remote(name string) bool {
	slashed := strings.ReplaceAll(name, `\`, "/")
	return strings.HasPrefix(slashed, "//") || strings.HasPrefix(slashed, "/??/")
}

// missing reports what git found that the file system lacks: executable bits, and links.
func missing(dir string) (modes, links bool, err error) {
	all, err := readConfig(dir)
	if err != nil {
		return false, false, err
	}
	core := all.Section("core")
	return isFalse(core.Option("filemode")), isFalse(core.Option("symlinks")), nil
}

// readConfig reads the configuration of a repository, which its worktrees share. Without a file, it is empty.
func readConfig(dir string) (*config.Config, error) {
	common := dir
	if shared := pointer(filepath.Join(dir, "commondir"), ""); shared != "" {
		common = shared
	}
	all := config.New()
	file, err := open(filepath.Join(common, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return all, config.NewDecoder(io.LimitReader(file, 1<<20)).Decode(all)
}

// isFalse reads a boolean of git-config(1).
func isFalse(value string) bool {
	switch strings.ToLower(value) {
	case "false", "no", "off", "0":
		return true
	}
	return false
}

// open opens a regular file. It does not block on a pipe.
func open(name string) (fs.File, error) {
	f, err := contextfs.OpenRegular(name, os.Stat, func(flags int) (*os.File, error) { return os.OpenFile(name, flags, 0) })
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path.Base(filepath.ToSlash(name)), err)
	}
	return f, nil
}
