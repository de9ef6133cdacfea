package tags

import (
	"context"
	"encoding/hex"
	"path"
	"slices"
	"strings"
)

// Source says which files are hashed and copied.
type Source struct {
	Paths []Path
	// Original is the rule set of the original (section 6.1: hidden directories, __pycache__, *.pyc), by which the paths
	// must be directories; otherwise Ignore, lines in the syntax of .dockerignore, says which paths are neither hashed
	// nor copied.
	Original bool
	Ignore   []string
	// NoCopy are names (path.Match on the last component) that are hashed but not copied: *.md in profile openhands.
	// They do not concern what is not hashed.
	NoCopy []string
	// NamesOnly leaves out of the Tree what only a build needs, Copied and Entries, and with it a second hash of every file.
	NamesOnly bool
	// Confined is for a tree that is a copy of its context. What a link points to outside of the copy is not what it points to
	// in the context: so it leaves the context even if it comes back, or if nothing is there.
	Confined bool
	// FollowOutside reads what links outside of the context point to, as the original does. Without it such a link is one of
	// Tree.Outside, and nothing behind it is read.
	FollowOutside bool
}

// Path is a file or directory of the source, relative to the context and slash-separated. Where one lies in another, the
// longer one decides for itself whether it is hashed.
type Path struct {
	Path     string `json:"path"`
	Hash     bool   `json:"hash"`
	Optional bool   `json:"optional,omitempty"` // no error where it does not exist
}

// sourceHash is section 6's hash: the directory digest, shortened. Extra inputs are mixed in by one more MD5, over the
// digest's hexadecimal form and their JSON.
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

// scan walks, hashes and lists the source of the context dir, an absolute path without links.
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
	w.confined, w.followOutside = src.Confined, src.FollowOutside
	root, err := w.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := hashFiles(ctx, root, !src.NamesOnly); err != nil {
		return nil, err
	}
	tree := newTree(w, root)
	if !src.NamesOnly {
		tree.list(root, src.NoCopy)
	}
	return tree, nil
}

// cleanPaths gives the source paths in their shortest form, each once, parents first.
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
	for _, p := range byName {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, func(a, b Path) int { return slices.Compare(components(a.Path), components(b.Path)) })
	return paths, nil
}

// components are the names on the way from the context to a clean path; none for the context itself.
func components(p string) []string {
	if p == "." {
		return nil
	}
	return strings.Split(p, "/")
}

// digestOf is the digest of the hashed paths: of one, its own; of more, that of a directory which holds them under
// their names.
func digestOf(root *node, paths []Path) string {
	var hashed []string
	for _, p := range paths {
		if p.Hash {
			hashed = append(hashed, p.Path)
		}
	}
	top := root
	if len(hashed) == 1 && root.hashed { // else all of it leaves the context
		if n := root.find(components(hashed[0])); n.dir {
			top = n
		}
	}
	sum := dirDigest(top)
	return hex.EncodeToString(sum[:])
}
