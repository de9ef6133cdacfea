package runtimefile

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"go.yaml.in/yaml/v3"
)

// sourceFields are the fields of an item of "source".
var sourceFields = fields[Source]{
	"path": func(d *document, n *yaml.Node, s *Source) (err error) {
		s.Path, err = d.str(n, "path")
		if err = d.check(n, err, checkRelative("source path", s.Path)); err == nil {
			s.Path = path.Clean(s.Path)
		}
		return err
	},
	"hash": func(d *document, n *yaml.Node, s *Source) (err error) {
		s.Hash, err = d.boolean(n, "hash")
		return err
	},
}

// setSource reads the paths and sorts them. Their order has no meaning.
func setSource(d *document, n *yaml.Node, f *File) error {
	var paths []Source
	err := d.list(n, "source", func(item *yaml.Node) error {
		s := Source{Hash: true}
		if err := sourceFields.read(d, item, "an item of source", &s); err != nil {
			return err
		}
		if s.Path == "" {
			return d.errorAt(item, "write {path: ., hash: true}", "an item of source has no path")
		}
		i, twice := slices.BinarySearchFunc(paths, s.Path, func(p Source, path string) int { return cmp.Compare(p.Path, path) })
		if twice {
			return d.errorAt(item, "", "source path %q is named twice", s.Path)
		}
		paths = slices.Insert(paths, i, s)
		return nil
	})
	if err == nil && !slices.ContainsFunc(paths, func(s Source) bool { return s.Hash }) {
		err = d.errorAt(n, "set hash: true for at least one path", "no path of the source is hashed, so no change would be noticed")
	}
	f.Source = paths
	return err
}

// setIgnore reads patterns. It refuses comments of .dockerignore, which would silently match nothing.
func setIgnore(d *document, n *yaml.Node, f *File) error {
	var patterns []string
	err := d.list(n, "ignore", func(item *yaml.Node) error {
		pattern, err := d.str(item, "a pattern")
		if err == nil && !validPattern(pattern) {
			err = d.errorAt(resolve(item), "patterns are those of .dockerignore", "pattern %q is not valid", pattern)
		}
		patterns = append(patterns, pattern)
		return err
	})
	f.Ignore = patterns
	return err
}

func validPattern(pattern string) bool {
	p := strings.TrimSpace(pattern)
	if p == "" || strings.HasPrefix(p, "#") || strings.ContainsAny(p, "\r\n") {
		return false
	}
	m, err := patternmatcher.New([]string{p})
	if err == nil {
		_, err = m.MatchesOrParentMatches("x") // compiles it
	}
	return err == nil
}
