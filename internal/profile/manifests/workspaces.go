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

// Limits of workspace patterns. They are far above the needs of real projects. Each pattern counts the directories that it visits and the
// names that it compares, even if another pattern did so before.
const (
	maxPattern  = 4096 // bytes
	maxPatterns = 1000
	maxVisits   = 100_000
	maxNames    = 1_000_000
)

// workspaces collects the directories that patterns match.
type workspaces struct {
	fsys   fs.FS
	dirs   map[string]bool
	lists  map[string][]fs.DirEntry // by directory, with links resolved
	places map[string]place         // by path, with links resolved in all but the last component
	visits int                      // directories visited
	names  int                      // names compared
}

// place is the cached result of linked.Real.
type place struct {
	real string
	err  error
}

// findWorkspaces returns the directories that patterns match.
func findWorkspaces(fsys fs.FS, patterns []string) (map[string]bool, error) {
	if len(patterns) > maxPatterns {
		return nil, fmt.Errorf("there are %d workspace patterns, and the limit is %d", len(patterns), maxPatterns)
	}
	w := &workspaces{fsys: fsys, dirs: map[string]bool{}, lists: map[string][]fs.DirEntry{}, places: map[string]place{}}
	for _, pattern := range patterns {
		if err := w.add(pattern); err != nil {
			return nil, err
		}
	}
	return w.dirs, nil
}

// list reads a directory, once for all patterns. An unreadable directory holds no workspace.
func (w *workspaces) list(dir string) []fs.DirEntry {
	entries, known := w.lists[dir]
	if !known {
		entries, _ = fs.ReadDir(w.fsys, dir)
		w.lists[dir] = entries
	}
	return entries
}

// follow resolves the links of a path, once for all patterns.
func (w *workspaces) follow(files linked, name string) (string, error) {
	p, known := w.places[name]
	if !known {
		p.real, p.err = files.Real(name)
		w.places[name] = p
	}
	return p.real, p.err
}

// errOutside says that a member of a workspace is not below the project.
var errOutside = errors.New("outside of the project")

// isOutside reports whether a clean path, or a pattern, leads out of the project.
func isOutside(name string) bool { return name == ".." || strings.HasPrefix(name, "../") }

// workspaceHint says what helps against an error of findWorkspaces.
func workspaceHint(err error) string {
	if errors.Is(err, errOutside) {
		return "build from the directory that holds all members"
	}
	return "list the workspaces' package.json under dependencies.files"
}

// add adds the directories of a pattern, or removes them if the pattern begins with "!".
func (w *workspaces) add(text string) error {
	pattern, negated := strings.CutPrefix(text, "!")
	pattern = path.Clean(strings.TrimPrefix(pattern, "./"))
	if isOutside(pattern) {
		return fmt.Errorf("the workspace %q is %w", shown(text), errOutside)
	}
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

// shown returns the beginning of a pattern, for messages.
func shown(pattern string) string {
	if len(pattern) > 80 {
		return strings.ToValidUTF8(pattern[:80], "") + "..."
	}
	return pattern
}

// walk searches the directories of one pattern.
type walk struct {
	*workspaces
	seen  map[step]bool
	found func(dir string)
}

// spot is a directory: its name in the pattern, and its path with links resolved.
type spot struct{ name, real string }

// step is a directory and the number of pattern components left. Each step is taken once: otherwise links to a parent directory, or
// repeated "**", would multiply the paths.
type step struct {
	real string
	left int
}

// from calls found for each directory that the components of a pattern match. As in npm, "*" and "**" do not match hidden directories, and
// "**" does not follow links. (After other components, npm follows the first link that it happens to meet.)
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
		if at.real != "." { // the project itself is no workspace, by whatever name
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

// each continues from those subdirectories of a directory whose names match.
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

// isWorkspaceDir reports whether an entry may be a workspace, or contain one.
func isWorkspaceDir(e fs.DirEntry, links bool) bool {
	if e.Name() == "node_modules" || strings.HasPrefix(e.Name(), ".") {
		return false
	}
	return e.IsDir() || links && e.Type()&fs.ModeSymlink != 0
}

// linked is a file system that resolves links, such as contextfs.FS. The frontend's file system does not implement it.
type linked interface {
	Real(name string) (string, error)
}

// enter returns the directory that a name leads to, with links resolved, or false if there is none. A link out of the project is an error,
// because nothing would notice changes there.
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

// memberManifests returns the package.json files of a workspace: those that the project's package.json names, and those of the directories
// that its lock file names. If the lock file names some, patterns that are not understood are no error.
func memberManifests(fsys fs.FS, locked []string) ([]string, error) {
	members, err := WorkspaceManifests(fsys)
	if err != nil && (len(locked) == 0 || slices.ContainsFunc(locked, isOutside)) {
		return nil, err
	}
	for _, dir := range locked {
		members = append(members, path.Join(dir, PackageJSON))
	}
	return members, nil
}
