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

// walk lists a source tree. It reads directories and links, side by side, and no file.
//
// A fault does not end it, so that the fault which is reported does not depend on who came first.
type walk struct {
	root          string // the context
	confined      bool
	followOutside bool
	paths         []Path
	tops          map[string]bool
	rules         rules

	group *errgroup.Group

	mu       sync.Mutex
	fault    *PathError
	warnings []warning
	broken   []string
	outside  []string // links that were not followed
}

// warning is something that was left out.
type warning struct{ path, what string }

func newWalk(root string, paths []Path, r rules) *walk {
	w := &walk{root: root, paths: paths, rules: r, tops: map[string]bool{}, group: &errgroup.Group{}}
	w.group.SetLimit(workers())
	for _, p := range paths {
		w.tops[p.Path] = true
	}
	return w
}

// workers is how many goroutines list and read: some more than run, since they wait for the disk.
func workers() int { return 2 * runtime.GOMAXPROCS(0) }

// run gives the tree of the context with everything that counts, and nothing else, below the source paths.
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

// emptyPath is what to name where nothing is left to hash: the hashed path, if there is just one.
func (w *walk) emptyPath() string {
	i := slices.IndexFunc(w.paths, func(p Path) bool { return p.Hash })
	if i < 0 || slices.ContainsFunc(w.paths[i+1:], func(p Path) bool { return p.Hash }) {
		return "."
	}
	return w.paths[i].Path
}

// top starts the walk of a source path; nil if it is not there, ignored, or at fault.
func (w *walk) top(ctx context.Context, p Path) *node {
	file := filepath.Join(w.root, p.Path)
	info, err := os.Stat(file)
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

// topNode is the node of the source path p. By the original's rules it must be a directory.
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
	link, err := os.Readlink(file) // fails on what is no link
	return &node{
		path: p.Path, dir: info.IsDir(), real: real, top: true, hash: p.Hash,
		isLink: err == nil, link: link, outside: !w.inside(real),
	}, nil
}

// spawn runs f in a goroutine of its own if there is room, else here.
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

// entry takes an entry of a directory into the tree, by its type in the listing (section 6.2).
func (w *walk) entry(ctx context.Context, c *node, typ fs.FileMode, s state) {
	switch {
	case typ.IsDir():
		c.real = c.file()
		w.enter(ctx, c, s)
	case typ&fs.ModeSymlink != 0:
		w.follow(ctx, c, s)
	case w.rules.file(c.path, s):
	case typ.IsRegular():
		c.parent.children = append(c.parent.children, c)
	default:
		w.warn(c.path, kindOf(typ))
	}
}

// enter takes a directory into the tree and lists it, unless it is ignored: then it is not even opened.
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

// onBranch says whether a directory is one of those that it was reached through (section 6.3).
func onBranch(c *node) bool {
	for n := c; !n.top; {
		n = n.parent
		if n.real == c.real {
			return true
		}
	}
	return false
}

// follow takes a link into the tree as what it points to. Of the errors only "does not exist" is none (section 6.4).
func (w *walk) follow(ctx context.Context, c *node, s state) {
	ignored := w.rules.file(c.path, s)
	if ignoredDir, _ := w.rules.dir(c.path, s); ignored && ignoredDir {
		return
	}
	if w.confined && w.leaves(c.file()) {
		w.note(&w.outside, c.path)
		return
	}
	info, err := os.Stat(c.file())
	if errors.Is(err, fs.ErrNotExist) {
		if !ignored {
			w.warn(c.path, "a link to nothing")
			w.note(&w.broken, c.path)
		}
		return
	}
	if err == nil {
		err = changed(w.readLink(c))
	}
	if err != nil {
		w.fail(c.path, err)
		return
	}
	switch counts := info.IsDir() || !ignored && info.Mode().IsRegular(); {
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

func (w *walk) readLink(c *node) (err error) {
	file := c.file()
	c.isLink = true
	if c.link, err = os.Readlink(file); err != nil {
		return err
	}
	if c.real, err = filepath.EvalSymlinks(file); err != nil {
		return err
	}
	c.outside = w.inside(c.parent.real) && !w.inside(c.real)
	return nil
}

// leaves says whether a link leads out of the context at some point, also if it comes back. What it does not find is as
// good as inside.
func (w *walk) leaves(file string) bool {
	for range 255 { // the kernel gives up earlier
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

// inside says whether a path without links lies in the context, or is it.
func (w *walk) inside(real string) bool {
	rest, found := strings.CutPrefix(real, strings.TrimSuffix(w.root, "/"))
	return found && (rest == "" || rest[0] == '/')
}

// WhiteoutPrefix begins the names by which a layer removes what is in the layers below it: OCI image spec, layer.md,
// "Whiteouts".
const WhiteoutPrefix = ".wh."

// prune finds what counts, files and the directories that hold one, and drops the rest. The names of what counts must
// be usable; those of the rest do no harm (section 6.6).
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

// checkName says why a name, one component of a path, cannot be hashed and copied alike on every system.
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

// fail keeps the fault with the smallest path.
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
	w.warnings = append(w.warnings, warning{p, what})
}

// kindOf names what is neither a file, a directory nor a link.
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
