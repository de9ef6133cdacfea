package tags

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

var errOutside = contextfs.ErrOutside

// walk lists a source tree. It reads directories and links concurrently, and no files.
//
// An error does not end the walk, so the reported error does not depend on the order of goroutines.
type walk struct {
	root          string // the context
	confined      bool
	followOutside bool
	checkout      *Checkout // nil: the file system says all
	paths         []Path
	tops          map[string]bool
	rules         rules

	group *errgroup.Group

	mu       sync.Mutex
	fault    *PathError // the one with the smallest path
	warnings []string   // of entries that were left out
	broken   []string
	outside  []string // links that were not followed
	absolute []string // links that were followed, and whose text is an absolute path
}

func newWalk(root string, paths []Path, r rules) *walk {
	w := &walk{root: root, paths: paths, rules: r, tops: map[string]bool{}, group: &errgroup.Group{}}
	w.group.SetLimit(workers())
	for _, p := range paths {
		w.tops[p.Path] = true
	}
	return w
}

// workers returns the number of goroutines that list and read. There are more than CPUs, because they wait for the disk.
func workers() int { return 2 * runtime.GOMAXPROCS(0) }

// run returns the tree of the context with the entries below the source paths that are hashed or copied.
func (w *walk) run(ctx context.Context) (*node, error) {
	tops := make([]*node, len(w.paths))
	for i, p := range w.paths {
		tops[i] = w.top(ctx, p)
	}
	_ = w.group.Wait() // faults are collected, not returned
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root := &node{path: ".", dir: true}
	for i, p := range w.paths {
		switch names := components(p.Path); {
		case tops[i] == nil:
		case len(names) == 0:
			root = tops[i]
		default:
			root.attach(names, tops[i])
		}
	}
	w.prune(root)
	if w.fault == nil && !root.hashed && len(w.outside) == 0 {
		w.fail(w.emptyPath(), ErrNothing)
	}
	if w.fault != nil {
		return nil, w.fault
	}
	return root, nil
}

// emptyPath returns the path to name if there is nothing to hash: the hashed path if there is only one, else the context.
func (w *walk) emptyPath() string {
	i := slices.IndexFunc(w.paths, func(p Path) bool { return p.Hash })
	if i < 0 || slices.ContainsFunc(w.paths[i+1:], func(p Path) bool { return p.Hash }) {
		return "."
	}
	return w.paths[i].Path
}

// top starts the walk of a source path. It returns nil if the path is missing, ignored, not followed, or at fault.
func (w *walk) top(ctx context.Context, p Path) *node {
	file := filepath.Join(w.root, p.Path)
	info, err := os.Stat(file)
	if err == nil {
		err = contextfs.CheckCase(w.root, p.Path)
	}
	if errors.Is(err, fs.ErrNotExist) && p.Optional {
		return nil
	}
	if err != nil {
		w.fail(p.Path, err)
		return nil
	}
	ignored, s := w.rules.top(p.Path, info.IsDir())
	if ignored {
		return nil
	}
	n, err := w.topNode(file, info, p)
	if err != nil {
		w.fail(p.Path, err)
		return nil
	}
	if n.outside && !w.followOutside {
		w.note(&w.outside, p.Path)
		return nil
	}
	if n.dir {
		w.spawn(func() { w.list(ctx, n, s) })
	}
	return n
}

// topNode returns the node of the source path p. The original's rules require a directory.
func (w *walk) topNode(file string, info fs.FileInfo, p Path) (*node, error) {
	_, original := w.rules.(originalRules)
	switch {
	case original && !info.IsDir():
		return nil, fmt.Errorf("%w: not a directory", ErrKind)
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s", ErrKind, kindOf(info.Mode()))
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return nil, err
	}
	link, err := os.Readlink(file) // fails if it is not a link
	return &node{
		path: p.Path, dir: info.IsDir(), real: real, top: true, hash: p.Hash,
		isLink: err == nil, link: link, outside: !w.inside(real),
	}, nil
}

// spawn runs f in a new goroutine if the limit allows it, else in this one.
func (w *walk) spawn(f func()) {
	if !w.group.TryGo(func() error { f(); return nil }) {
		f()
	}
}

// list reads the directory n and all below it.
func (w *walk) list(ctx context.Context, n *node, s state) {
	if ctx.Err() != nil {
		return
	}
	f, err := os.Open(n.real)
	if err != nil {
		w.fail(n.path, changed(err))
		return
	}
	entries, err := f.ReadDir(-1)
	f.Close()
	if err != nil {
		w.fail(n.path, changed(err))
	}
	for _, e := range entries {
		c := &node{name: e.Name(), path: join(n.path, e.Name()), parent: n, hash: n.hash}
		if !w.tops[c.path] {
			w.entry(ctx, c, e.Type(), s)
		}
	}
	n.sort()
}

// entry adds a directory's entry to the tree, by its type in the listing (section 6.2).
func (w *walk) entry(ctx context.Context, c *node, typ fs.FileMode, s state) {
	switch {
	case typ.IsDir():
		c.real = c.file()
		w.enter(ctx, c, s)
	case typ&fs.ModeSymlink != 0, typ.IsRegular() && w.checkout.isLink(c.path):
		w.follow(ctx, c, s)
	case w.rules.file(c.path, s):
	case typ.IsRegular():
		c.parent.children = append(c.parent.children, c)
	default:
		w.warn(c.path, kindOf(typ))
	}
}

// enter adds a directory to the tree and lists it. An ignored directory is not opened.
func (w *walk) enter(ctx context.Context, c *node, s state) {
	ignored, s := w.rules.dir(c.path, s)
	if ignored {
		return
	}
	if c.isLink && onBranch(c) {
		w.fail(c.path, ErrLoop)
		return
	}
	c.dir = true
	c.parent.children = append(c.parent.children, c)
	w.spawn(func() { w.list(ctx, c, s) })
}

// onBranch reports whether a directory is one of its own parents (section 6.3).
func onBranch(c *node) bool {
	for n := c; !n.top; {
		n = n.parent
		if n.real == c.real {
			return true
		}
	}
	return false
}

// follow adds a link to the tree as its target. Every error except "does not exist" is reported (section 6.4).
func (w *walk) follow(ctx context.Context, c *node, s state) {
	ignored := w.rules.file(c.path, s)
	if ignoredDir, _ := w.rules.dir(c.path, s); ignored && ignoredDir {
		return
	}
	if w.confined && w.leaves(c.file()) {
		w.note(&w.outside, c.path)
		return
	}
	target, err := w.target(c)
	if err != nil {
		w.fail(c.path, changed(err))
		return
	}
	info, err := os.Stat(target)
	if errors.Is(err, fs.ErrNotExist) {
		if !ignored {
			w.warn(c.path, "a link to nothing")
			w.note(&w.broken, c.path)
		}
		return
	}
	if err == nil {
		err = changed(w.readLink(c, target))
	}
	if err != nil {
		w.fail(c.path, err)
		return
	}
	counts := info.IsDir() || !ignored && info.Mode().IsRegular()
	if counts && filepath.IsAbs(filepath.FromSlash(c.link)) {
		w.note(&w.absolute, c.path)
	}
	switch {
	case c.outside && !w.followOutside && (counts || w.confined):
		w.note(&w.outside, c.path)
	case info.IsDir():
		w.enter(ctx, c, s)
	case ignored:
	case counts:
		c.parent.children = append(c.parent.children, c)
	default:
		w.warn(c.path, "a link to "+kindOf(info.Mode()))
	}
}

// target returns a path that leads where the link c leads.
func (w *walk) target(c *node) (string, error) {
	if w.checkout.isLink(c.path) {
		return w.readText(c)
	}
	return c.file(), nil
}

func (w *walk) readLink(c *node, target string) (err error) {
	c.isLink = true
	if !c.text {
		if c.link, err = os.Readlink(target); err != nil {
			return err
		}
		c.link = filepath.ToSlash(c.link)
	}
	if c.real, err = filepath.EvalSymlinks(target); err != nil {
		return err
	}
	c.outside = w.inside(c.parent.real) && !w.inside(c.real)
	return nil
}

// leaves reports whether a link leaves the context at some point, even if it returns. A missing target counts as inside.
func (w *walk) leaves(file string) bool {
	for range 255 { // the kernel follows fewer links
		if !w.inside(file) {
			return true
		}
		target, err := os.Readlink(file)
		if err != nil {
			return false
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(file), target)
		}
		file = target
	}
	return false
}

// inside reports whether a path without links is the context or in it.
func (w *walk) inside(real string) bool {
	rest, found := strings.CutPrefix(filepath.ToSlash(real), strings.TrimSuffix(filepath.ToSlash(w.root), "/"))
	return found && (rest == "" || rest[0] == '/')
}

// WhiteoutPrefix begins the names of whiteouts, by which a layer removes files of the layers below it (OCI image spec,
// layer.md, "Whiteouts").
const WhiteoutPrefix = ".wh."

// prune keeps files and the directories that contain files, and drops the rest. Only the names of kept entries must be
// valid (section 6.6).
func (w *walk) prune(n *node) {
	if !n.dir {
		n.hashed, n.copied = n.hash, true
	}
	for _, c := range n.children {
		w.prune(c)
		n.hashed = n.hashed || c.hashed
		n.copied = n.copied || c.copied
	}
	n.children = slices.DeleteFunc(n.children, func(c *node) bool { return !c.copied })
	if n.copied && n.parent != nil {
		if err := checkName(n.name); err != nil {
			w.fail(n.path, err)
		}
	}
}

// checkName returns an error if a path component cannot be hashed and copied alike on every system.
func checkName(name string) error {
	switch {
	case strings.HasPrefix(name, WhiteoutPrefix):
		return fmt.Errorf("%w: in an image layer, names that begin with %s delete files", ErrName, WhiteoutPrefix)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: it is not UTF-8", ErrName)
	case strings.Contains(name, "\n"):
		return fmt.Errorf("%w: it contains a line feed", ErrName)
	}
	return nil
}

// fail records an error. The one with the smallest path is kept.
func (w *walk) fail(p string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == nil || p < w.fault.Path {
		w.fault = sourceError(p, err)
	}
}

func (w *walk) note(list *[]string, p string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, p)
}

func (w *walk) warn(p, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.warnings = append(w.warnings, fmt.Sprintf("source %q: %s, left out", p, what))
}

// kindOf names a type that is not a file, a directory or a link.
func kindOf(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "a special file"
}
