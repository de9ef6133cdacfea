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
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// limit is the size of the largest index that is read, in bytes: about a million files.
const limit = 256 << 20

// Read returns what git's index says about the context directory, an absolute path without links. It returns nil if the directory is
// in no checkout, or if git trusts the file system: if core.fileMode and core.symlinks are not false in the repository's configuration.
func Read(context string) (*tags.Checkout, error) {
	top, dir := find(context)
	if dir == "" {
		return nil, nil
	}
	modes, links, err := missing(dir)
	if err != nil || !modes && !links {
		return nil, wrap(dir, err)
	}
	var all index.Index
	file, err := open(filepath.Join(dir, "index"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing is tracked yet
	}
	if err != nil {
		return nil, wrap(dir, err)
	}
	defer file.Close()
	if err := index.NewDecoder(bufio.NewReader(io.LimitReader(file, limit))).Decode(&all); err != nil {
		return nil, wrap(dir, err)
	}
	prefix, err := filepath.Rel(top, context)
	return checkout(all.Entries, filepath.ToSlash(prefix), modes, links), err
}

func wrap(dir string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("reading git's index in %s, which says what is executable: %w: git status tells whether the checkout is in order", dir, err)
}

// checkout selects what is below a directory of the working tree.
func checkout(entries []*index.Entry, prefix string, modes, links bool) *tags.Checkout {
	c := &tags.Checkout{Executable: map[string]bool{}, Links: map[string]bool{}}
	for _, e := range entries {
		name, inside := e.Name, true
		if prefix != "." {
			name, inside = strings.CutPrefix(e.Name, prefix+"/")
		}
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
		at := filepath.Join(dir, ".git")
		info, err := os.Stat(at)
		switch {
		case err == nil && info.IsDir():
			return dir, at
		case err == nil:
			if linked := pointer(at, "gitdir: "); linked != "" {
				return dir, linked
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", ""
		}
		dir = parent
	}
}

// pointer returns the path in a file of git, relative to the file's directory: gitrepository-layout(5).
func pointer(file, prefix string) string {
	f, err := open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, 64<<10)).ReadString('\n')
	name, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), prefix)
	if !ok || name == "" {
		return ""
	}
	if name = filepath.FromSlash(name); !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(file), name)
	}
	return name
}

// missing reports what git found that the file system lacks: executable bits, and links.
func missing(dir string) (modes, links bool, err error) {
	common := dir
	if shared := pointer(filepath.Join(dir, "commondir"), ""); shared != "" {
		common = shared
	}
	file, err := open(filepath.Join(common, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	defer file.Close()
	all := config.New()
	if err := config.NewDecoder(io.LimitReader(file, 1<<20)).Decode(all); err != nil {
		return false, false, err
	}
	core := all.Section("core")
	return isFalse(core.Option("filemode")), isFalse(core.Option("symlinks")), nil
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
