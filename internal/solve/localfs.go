package solve

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/rtbuild/rtbuild/tags"
)

// listFS is a file system that holds an exact list of a directory's entries: BuildKit's patterns cannot say what the
// source hash counts. Owners and modes are normalised; time stamps are kept, since they tell the builder what changed.
type listFS struct {
	root  string
	stats []*types.Stat
}

// TreeFS gives the entries of a source tree to a builder.
func TreeFS(tree *tags.Tree) (fsutil.FS, error) {
	return newListFS(tree.Root, tree.Entries)
}

// FilesFS gives single files of a directory, and the directories that lead to them, to a builder.
func FilesFS(root string, files []string) (fsutil.FS, error) {
	seen := map[string]bool{}
	var entries []tags.Entry
	for _, file := range files {
		for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
			if !seen[dir] {
				seen[dir] = true
				entries = append(entries, tags.Entry{Path: dir, Mode: fs.ModeDir | 0o755})
			}
		}
		entries = append(entries, tags.Entry{Path: file, Mode: 0o644})
	}
	return newListFS(root, entries)
}

func newListFS(root string, entries []tags.Entry) (*listFS, error) {
	list := &listFS{root: root}
	for _, e := range entries {
		stat, err := list.stat(e)
		if err != nil {
			return nil, err
		}
		list.stats = append(list.stats, stat)
	}
	// fsutil wants the order of a walk: names compared directory by directory.
	slices.SortFunc(list.stats, func(a, b *types.Stat) int {
		return strings.Compare(walkKey(a.Path), walkKey(b.Path))
	})
	return list, nil
}

func walkKey(p string) string { return strings.ReplaceAll(p, "/", "\x00") }

func (l *listFS) stat(e tags.Entry) (*types.Stat, error) {
	info := os.Stat
	if e.Link != "" {
		info = os.Lstat
	}
	fi, err := info(filepath.Join(l.root, filepath.FromSlash(e.Path)))
	if err != nil {
		return nil, err
	}
	stat := &types.Stat{Path: e.Path, Mode: uint32(e.Mode), ModTime: fi.ModTime().UnixNano(), Linkname: e.Link}
	if e.Mode.IsRegular() {
		stat.Size = fi.Size()
	}
	return stat, nil
}

// Walk implements fsutil.FS.
func (l *listFS) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	for _, stat := range l.stats {
		if err := ctx.Err(); err != nil {
			return err
		}
		if target != "" && target != "/" && stat.Path != target && !strings.HasPrefix(stat.Path, target+"/") {
			continue
		}
		stat := stat.CloneVT()
		if err := fn(stat.Path, &fsutil.DirEntryInfo{Stat: stat}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Open implements fsutil.FS. Links on the way are followed: the list may hold what they lead to.
func (l *listFS) Open(p string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(l.root, filepath.FromSlash(path.Clean("/"+p))))
}
