package frontend

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil/types"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// contextFS reads single files of a project through the gateway. It loads the files with known names in one transfer, and any other on its
// first use. It is too slow for a source tree.
type contextFS struct {
	ctx     context.Context //nolint:containedctx // fs.FS takes no context, and a contextFS lives as long as one build
	project *project
	known   []string
	parts   map[string]part
	stats   map[string]stat // by path: each request is a round trip, and a runtime is read in several places
	data    map[string][]byte
}

// part is a piece of the project in the builder. Each part is a transfer of its own. A build that uses the state gets exactly the files
// that were read from the reference.
type part struct {
	gateway.Reference
	state llb.State
}

// stat is a cached result of Stat.
type stat struct {
	info fs.FileInfo
	err  error
}

// Keys of parts that hold several files.
const (
	partKnown      = "manifests"
	partWorkspaces = "workspaces"
)

// Open implements fs.FS.
func (f *contextFS) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &openFile{Reader: bytes.NewReader(data), info: info}, nil
}

// ReadFile implements fs.ReadFileFS.
func (f *contextFS) ReadFile(name string) ([]byte, error) {
	info, err := f.Stat(name)
	if err != nil {
		return nil, err
	}
	// The builder would block on a pipe.
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	data, known := f.data[name]
	if !known {
		part, err := f.partOf("read", name)
		if err != nil {
			return nil, err
		}
		if data, err = readAll(f.ctx, part, name); err != nil {
			return nil, err
		}
		f.data[name] = data
	}
	return bytes.Clone(data), nil
}

// chunkSize is the size of one read, in bytes. A response of the builder holds at most 16 MiB.
const chunkSize = 8 << 20

// readAll reads a file in chunks. It stops one byte after the largest size that any file may have.
func readAll(ctx context.Context, part gateway.Reference, name string) ([]byte, error) {
	var data []byte
	for len(data) <= projectfile.LockLimit {
		next, err := part.ReadFile(ctx, gateway.ReadRequest{Filename: name, Range: &gateway.FileRange{Offset: len(data), Length: chunkSize}})
		if err != nil {
			return nil, err
		}
		data = append(data, next...)
		if len(next) < chunkSize {
			break
		}
	}
	return data, nil
}

// Stat implements fs.StatFS.
func (f *contextFS) Stat(name string) (fs.FileInfo, error) {
	said, known := f.stats[name]
	if !known {
		said.info, said.err = f.statUncached(name)
		f.stats[name] = said
	}
	return said.info, said.err
}

func (f *contextFS) statUncached(name string) (fs.FileInfo, error) {
	part, err := f.partOf("stat", name)
	if err != nil {
		return nil, err
	}
	stat, err := part.StatFile(f.ctx, gateway.StatRequest{Path: name})
	if err != nil {
		return nil, fsError("stat", name, err)
	}
	return fileInfo{stat}, nil
}

// ReadDir implements fs.ReadDirFS. Only npm's workspaces and patches use it, so the directories contain only such files.
func (f *contextFS) ReadDir(name string) ([]fs.DirEntry, error) {
	part, err := f.part(partWorkspaces, llb.IncludePatterns([]string{"**/package.json", "patches"}),
		llb.ExcludePatterns([]string{"**/node_modules", "**/.git"}))
	if err != nil {
		return nil, err
	}
	return readDir(f.ctx, part, name)
}

// partOf returns the part of the project that holds a file, if the file exists.
func (f *contextFS) partOf(op, name string) (part, error) {
	if !fs.ValidPath(name) {
		return part{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if slices.Contains(f.known, name) {
		return f.part(partKnown, llb.FollowPaths(f.known))
	}
	return f.part("file "+name, llb.FollowPaths([]string{name}))
}

func (f *contextFS) part(key string, opts ...llb.LocalOption) (part, error) {
	if known, ok := f.parts[key]; ok {
		return known, nil
	}
	opts = append(opts, llb.SharedKeyHint("project "+key), dockerui.WithInternalName("load "+key), llb.Differ(llb.DiffNone, false))
	state, err := f.project.part(f.ctx, opts...)
	if err != nil {
		return part{}, err
	}
	ref, err := f.project.solve(f.ctx, state)
	if err != nil {
		return part{}, err
	}
	f.parts[key] = part{ref, state}
	return f.parts[key], nil
}

// fsErrors maps texts of Linux and Go to errors of package fs. The first match counts. "not exist" comes last: a file is absent only if the
// text says nothing else.
var fsErrors = []struct {
	text string
	err  error
}{
	{fs.ErrPermission.Error(), fs.ErrPermission},
	{"not a directory", syscall.ENOTDIR},
	{"no such file or directory", fs.ErrNotExist},
	{fs.ErrNotExist.Error(), fs.ErrNotExist},
}

// fsError returns an error with a cause that package fs knows. The gateway returns only texts.
func fsError(op, name string, err error) error {
	for _, known := range fsErrors {
		if strings.Contains(err.Error(), known.text) {
			return &fs.PathError{Op: op, Path: name, Err: known.err}
		}
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// openFile is a file whose contents were read.
type openFile struct {
	io.Reader
	info fs.FileInfo
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// fileInfo implements fs.FileInfo with the builder's data.
type fileInfo struct{ stat *types.Stat }

func (i fileInfo) Name() string       { return path.Base(i.stat.Path) }
func (i fileInfo) Size() int64        { return i.stat.Size }
func (i fileInfo) Mode() fs.FileMode  { return fs.FileMode(i.stat.Mode) }
func (i fileInfo) ModTime() time.Time { return time.Unix(0, i.stat.ModTime) }
func (i fileInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i fileInfo) Sys() any           { return i.stat }
