package tags

import (
	"cmp"
	"io"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// Checkout is what git knows of a checkout that lies on a file system without executable bits or without links, as on Windows.
// With it, such a checkout has the tags of every other checkout of the same commit. Paths are relative to the context and
// slash-separated.
type Checkout struct {
	// Executable holds the tracked files, and whether they are executable. Other files are what the file system says.
	Executable map[string]bool
	// Links holds the tracked links that git has written as regular files. The text of such a file is the link's text.
	Links map[string]bool
}

// maxText is the size of the longest text of a link, in bytes, as in Linux.
const maxText = 4096

// maxLinks is how many links a path may go through, as in Linux.
const maxLinks = 40

// isLink reports whether a regular file stands for a link.
func (c *Checkout) isLink(p string) bool { return c != nil && c.Links[p] }

// setModes says of every tracked file of a tree whether it is executable.
func (c *Checkout) setModes(dir string, root *node) {
	if c == nil {
		return
	}
	root.walk(func(n *node) {
		if executable, tracked := c.Executable[below(dir, cmp.Or(n.real, n.file()))]; tracked {
			n.exec = executable
		}
	})
}

// below returns the slash-separated path of a file relative to root, or "" if there is none.
func below(root, file string) string {
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}

// readText reads the text of a link that is a regular file, and returns where the link leads.
func (w *walk) readText(c *node) (target string, err error) {
	file := c.file()
	text, err := w.textOf(file)
	if err != nil {
		return "", err
	}
	c.isLink, c.text, c.link = true, true, text
	return w.resolveText(filepath.Dir(file), c.link, maxLinks)
}

// textOf returns the text of a regular file of the context that stands for a link. The index is the project's, which is not trusted: a
// file elsewhere is not opened, and a file that is longer than any link is ENAMETOOLONG.
func (w *walk) textOf(file string) (string, error) {
	files, err := contextfs.New(w.root)
	if err != nil {
		return "", err
	}
	opened, err := files.Open(below(w.root, file))
	if err != nil {
		return "", err
	}
	defer opened.Close()
	text, err := io.ReadAll(io.LimitReader(opened, maxText+1))
	if err == nil && len(text) > maxText {
		err = syscall.ENAMETOOLONG
	}
	return string(text), err
}

// resolveText follows the text of a link in a directory, through other links that are regular files.
func (w *walk) resolveText(dir, text string, left int) (at string, err error) {
	if left == 0 {
		return "", syscall.ELOOP
	}
	if at = dir; strings.HasPrefix(text, "/") {
		// Windows takes two separators for the name of another machine, and would log in there.
		return "/" + strings.TrimLeft(filepath.ToSlash(text), "/"), nil
	}
	for _, name := range strings.Split(text, "/") {
		at = filepath.Join(at, name)
		if !w.checkout.isLink(below(w.root, at)) {
			continue
		}
		text, err := w.textOf(at)
		if err == nil {
			at, err = w.resolveText(filepath.Dir(at), text, left-1)
		}
		if err != nil {
			return "", err
		}
	}
	return at, nil
}
