package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// Limits of workspace patterns. A pattern longer than a path leads nowhere. No project has as many patterns, directories that they lead to,
// or names that they are compared with: a directory or a name counts again for each pattern.
const (
	maxPattern  = 4096 // bytes
	maxPatterns = 1000
	maxVisits   = 100_000
	maxNames    = 1_000_000
)

// workspaces are the directories that patterns name.
type workspaces struct {
	fsys   fs.FS
	dirs   map[string]bool
	lists  map[string][]fs.DirEntry // by directory, without links
	places map[string]place         // by path, all but its last name without links
	visits int                      // directories that patterns led to
	names  int                      // that patterns were compared with
}

// place is what a path stands for: see linked.
type place struct {
	real string
	err  error
}

// findWorkspaces gives the directories that patterns name.
func findWorkspaces(fsys fs.FS, patterns []string) (map[string]bool, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("there are %d patterns of workspaces, and at most %d are looked at", len(patterns), maxPatterns)
	}
	w := &workspaces{fsys: fsys, dirs: map[string]bool{}, lists: map[string][]fs.DirEntry{}, places: map[string]place{}}
	for _, pattern := range patterns {
		if err := w.add(pattern); err != nil {
			return nil, err
		}
	}
	return w.dirs, nil
}

// list reads a directory, once for all patterns. What cannot be read holds no workspace.
func (w *workspaces) list(dir string) []fs.DirEntry {
	entries, known := w.lists[dir]
	if !known {
		entries, _ = fs.ReadDir(w.fsys, dir)
		w.lists[dir] = entries
	}
	return entries
}

// follow gives what a path stands for, and looks that up once for all patterns.
func (w *workspaces) follow(files linked, name string) (string, error) {
	p, known := w.places[name]
	if !known {
		p.real, p.err = files.Real(name)
		w.places[name] = p
	}
	return p.real, p.err
}

// add takes the directories of a pattern in, or out if it begins with "!".
func (w *workspaces) add(text string) error {
	pattern, negated := strings.CutPrefix(text, "!")
	pattern = path.Clean(strings.TrimPrefix(pattern, "./"))
	if !fs.ValidPath(pattern) || len(pattern) > maxPattern || strings.ContainsAny(pattern, `{}()\`) {
		return fmt.Errorf("the pattern %q of workspaces is not understood", shown(text))
	}
	parts := slices.CompactFunc(strings.Split(pattern, "/"), func(a, b string) bool { return a == "**" && b == "**" })
	for _, part := range parts {
		if _, err := path.Match(part, ""); err != nil {
			return fmt.Errorf("the pattern %q of workspaces is not understood", shown(part))
		}
	}
	search := walk{workspaces: w, seen: map[step]bool{}, found: func(dir string) {
		if negated {
			delete(w.dirs, dir)
			return
		}
		w.dirs[dir] = true
	}}
	return search.from(spot{".", "."}, parts)
}

// shown is the beginning of a pattern, for messages.
func shown(pattern string) string {
	if len(pattern) > 80 {
		return strings.ToValidUTF8(pattern[:80], "") + "..."
	}
	return pattern
}

// walk goes the ways of one pattern.
type walk struct {
	*workspaces
	seen  map[step]bool
	found func(dir string)
}

// spot is a directory: by the name that a pattern has for it, and by the one that it has without links.
type spot struct{ name, real string }

// step is a directory, and how much of the pattern is left there. What follows from it follows once: else links to a directory's
// parent, or one "**" behind another, would multiply the ways.
type step struct {
	real string
	left int
}

// from calls found for each directory that the components of a pattern lead to. As in npm, "*" and "**" stand for no hidden
// directories, and "**" crosses no links. (Behind other components, npm lets it cross the first link that it happens to meet.)
func (w *walk) from(at spot, parts []string) error {
	if w.seen[step{at.real, len(parts)}] {
		return nil
	}
	w.seen[step{at.real, len(parts)}] = true
	if w.visits++; w.visits > maxVisits {
		return fmt.Errorf("the patterns of workspaces lead to more than %d directories", maxVisits)
	}
	switch {
	case len(parts) == 0:
		if at.real != "." { // the project itself, by whatever name, is no workspace of its own
			w.found(at.name)
		}
		return nil
	case parts[0] == "**":
		if err := w.from(at, parts[1:]); err != nil {
			return err
		}
		return w.each(at, "*", false, parts)
	case strings.ContainsAny(parts[0], "*?["):
		return w.each(at, parts[0], true, parts[1:])
	}
	next, ok, err := w.enter(at, parts[0])
	if !ok {
		return err
	}
	return w.from(next, parts[1:])
}

// each goes on from the directories in one whose names match.
func (w *walk) each(at spot, pattern string, links bool, rest []string) error {
	for _, e := range w.list(at.real) {
		if w.names++; w.names > maxNames {
			return fmt.Errorf("the patterns of workspaces are compared with more than %d files and directories", maxNames)
		}
		ok, _ := path.Match(pattern, e.Name())
		if !ok || !isWorkspaceDir(e, links) {
			continue
		}
		next := spot{path.Join(at.name, e.Name()), path.Join(at.real, e.Name())}
		var err error
		if !e.IsDir() {
			next, ok, err = w.enter(at, e.Name())
		}
		if ok {
			err = w.from(next, rest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isWorkspaceDir says whether an entry may be, or hold, a workspace.
func isWorkspaceDir(e fs.DirEntry, links bool) bool {
	if e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") {
		return false
	}
	return e.IsDir() || links && e.Type()&fs.ModeSymlink != 0
}

// linked is a file system that has links, and follows them: see contextfs.FS. A builder's has none: see internal/frontend.
type linked interface {
	Real(name string) (string, error)
}

// enter gives what a name leads to, by links too; false if that is nothing. What lies outside is an error: nobody would see it change.
func (w *walk) enter(at spot, name string) (next spot, ok bool, err error) {
	next = spot{path.Join(at.name, name), path.Join(at.real, name)}
	if files, known := w.fsys.(linked); known {
		real, err := w.follow(files, next.real)
		switch {
		case errors.Is(err, contextfs.ErrOutside):
			return next, false, projectfile.Unread(next.name, err)
		case err != nil:
			return next, false, nil
		}
		next.real = real
	}
	return next, true, nil
}
