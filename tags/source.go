package tags

import (
	"context"
	"encoding/hex"
	"maps"
	"path"
	"slices"
	"strings"
)

// Source says which files are hashed and copied.
type Source struct {
	Paths []Path
	// Original selects the original's ignore rules (section 6.1: hidden directories, __pycache__, *.pyc) and requires the
	// paths to be directories. Without it, Ignore lists what is neither hashed nor copied, in the syntax of .dockerignore.
	Original bool
	Ignore   []string
	// NoCopy lists patterns (path.Match on the last component) of files that are hashed but not copied: *.md in profile
	// openhands. They do not apply to unhashed paths.
	NoCopy []string
	// NamesOnly omits Copied and Entries from the Tree, which only a build needs. That saves a second hash of every file.
	NamesOnly bool
	// Confined is for a tree that is a copy of its context. A link's target outside the copy is not its target in the
	// original context. So a link that leaves the copy counts as outside, even if it returns or leads nowhere.
	Confined bool
	// FollowOutside reads the targets of links that leave the context, as the original does. Without it, such links are only
	// listed in Tree.Outside.
	FollowOutside bool
	// Checkout is what git knows of the files. It is nil if the file system can say it: then git is not asked.
	Checkout *Checkout
}

// Path is a file or directory of the source, relative to the context and slash-separated. If one path is in another, Hash of
// the longer one applies to it.
type Path struct {
	Path     string `json:"path"`
	Hash     bool   `json:"hash"`
	Optional bool   `json:"optional,omitempty"` // it may be missing
}

// sourceHash returns the shortened directory digest (section 6). Extra inputs are mixed in with one more MD5, over the
// digest's hexadecimal form and the inputs' JSON.
func sourceHash(digest string, extra map[string]any) (string, error) {
	mixed, err := canonical(extra)
	if err != nil {
		return "", err
	}
	if len(mixed) > 0 {
		digest = md5Hex(digest + string(mixed))
	}
	return shorten(digest)
}

// scan walks, hashes and lists the source of the context dir, an absolute path with links resolved.
func scan(ctx context.Context, dir string, src Source) (*Tree, error) {
	paths, err := cleanPaths(src.Paths)
	if err != nil {
		return nil, err
	}
	rules, err := newRules(src)
	if err != nil {
		return nil, err
	}
	w := newWalk(dir, paths, rules)
	w.confined, w.followOutside, w.checkout = src.Confined, src.FollowOutside, src.Checkout
	root, err := w.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := hashFiles(ctx, root, !src.NamesOnly); err != nil {
		return nil, err
	}
	src.Checkout.setModes(dir, root)
	tree := newTree(w, root)
	if !src.NamesOnly {
		tree.list(root, src.NoCopy)
	}
	return tree, nil
}

// cleanPaths returns the source paths in their shortest form, each once, parents first.
func cleanPaths(given []Path) ([]Path, error) {
	byName := map[string]Path{}
	for _, p := range given {
		name := path.Clean(p.Path)
		if p.Path == "" || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") {
			return nil, &InputError{
				Input: "source path", Value: p.Path, Err: errOutside,
				Fix: "give a path below the context, relative to it",
			}
		}
		old, twice := byName[name]
		p = Path{Path: name, Hash: p.Hash || old.Hash, Optional: p.Optional && (old.Optional || !twice)}
		byName[name] = p
	}
	paths := make([]Path, 0, len(byName))
	for _, name := range slices.SortedFunc(maps.Keys(byName), func(a, b string) int { return slices.Compare(components(a), components(b)) }) {
		paths = append(paths, byName[name])
	}
	return paths, nil
}

// components splits a clean path into its names. The context itself has none.
func components(p string) []string {
	if p == "." {
		return nil
	}
	return strings.Split(p, "/")
}

// digestOf returns the digest of the hashed paths. A single path has its own digest; several have the digest of a directory
// that contains them under their names.
func digestOf(root *node, paths []Path) string {
	var hashed []string
	for _, p := range paths {
		if p.Hash {
			hashed = append(hashed, p.Path)
		}
	}
	top := root
	if len(hashed) == 1 && root.hashed { // root is unhashed if everything leaves the context
		if n := root.find(components(hashed[0])); n.dir {
			top = n
		}
	}
	sum := dirDigest(top)
	return hex.EncodeToString(sum[:])
}
