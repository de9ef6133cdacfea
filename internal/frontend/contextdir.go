package frontend

import (
	"context"
	"io/fs"
	"path"
	"sort"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// contextDir lists all files of one directory of a project. They are read through the contextFS.
type contextDir struct {
	ctx  context.Context //nolint:containedctx // as in contextFS
	part part
	dir  string
}

// Sub implements fs.SubFS. It loads a directory that a lock file names, without what is installed in it.
func (f *contextFS) Sub(dir string) (fs.FS, error) {
	part, err := f.part("directory "+dir, llb.FollowPaths([]string{dir}), llb.ExcludePatterns([]string{"**/node_modules", "**/.git"}))
	return contextDir{f.ctx, part, dir}, err
}

// Open implements fs.FS. It opens nothing.
func (d contextDir) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: path.Join(d.dir, name), Err: fs.ErrInvalid}
}

// Stat implements fs.StatFS.
func (d contextDir) Stat(name string) (fs.FileInfo, error) {
	file := path.Join(d.dir, name)
	stat, err := d.part.StatFile(d.ctx, gateway.StatRequest{Path: file})
	if err != nil {
		return nil, fsError("stat", file, err)
	}
	return fileInfo{stat}, nil
}

// ReadDir implements fs.ReadDirFS.
func (d contextDir) ReadDir(name string) ([]fs.DirEntry, error) {
	return readDir(d.ctx, d.part, path.Join(d.dir, name))
}

// readDir returns the entries of a directory of a part, by name.
func readDir(ctx context.Context, part gateway.Reference, name string) ([]fs.DirEntry, error) {
	stats, err := part.ReadDir(ctx, gateway.ReadDirRequest{Path: name})
	if err != nil {
		return nil, fsError("readdir", name, err)
	}
	var entries []fs.DirEntry
	for _, stat := range stats {
		entries = append(entries, fs.FileInfoToDirEntry(fileInfo{stat}))
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	return entries, nil
}
