package fakegateway

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil/types"
)

// Reference is the result of a solve.
type Reference struct {
	Solve  Solve
	client *Client
	files  fs.FS
	err    error
}

// ToState implements gateway.Reference.
func (r *Reference) ToState() (llb.State, error) {
	op, err := llb.NewDefinitionOp(r.Solve.Definition)
	if err != nil {
		return llb.State{}, err
	}
	return llb.NewState(op), nil
}

// Evaluate implements gateway.Reference.
func (r *Reference) Evaluate(context.Context) error { return r.err }

// ReadFile implements gateway.Reference.
func (r *Reference) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	name, err := r.open("read", req.Filename)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(r.files, name)
	if info, failed := fs.Stat(r.files, name); failed == nil && info.IsDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, asText(req.Filename, err)
	}
	if req.Range != nil {
		from := min(req.Range.Offset, len(data))
		data = data[from:min(from+req.Range.Length, len(data))]
	}
	return data, nil
}

// StatFile implements gateway.Reference.
func (r *Reference) StatFile(_ context.Context, req gateway.StatRequest) (*types.Stat, error) {
	name, err := r.open("stat", req.Path)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(r.files, name)
	if err != nil {
		return nil, asText(req.Path, err)
	}
	return r.stat(name, info), nil
}

// ReadDir implements gateway.Reference.
func (r *Reference) ReadDir(_ context.Context, req gateway.ReadDirRequest) ([]*types.Stat, error) {
	name, err := r.open("list", req.Path)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(r.files, name)
	if info, failed := fs.Stat(r.files, name); failed == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, asText(req.Path, err)
	}
	var all []*types.Stat
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return nil, asText(req.Path, err)
		}
		all = append(all, r.stat(path.Join(name, entry.Name()), info))
	}
	return all, nil
}

// open notes a request, and returns the name as fs has it.
func (r *Reference) open(what, name string) (string, error) {
	r.client.noteRead(what + " " + name)
	if r.err != nil {
		return "", r.err
	}
	if r.files == nil {
		return "", asText(name, fs.ErrNotExist)
	}
	return cmp.Or(strings.TrimPrefix(path.Clean("/"+name), "/"), "."), nil
}

func (r *Reference) stat(name string, info fs.FileInfo) *types.Stat {
	s := &types.Stat{Path: name, Mode: uint32(info.Mode()), Size: info.Size(), ModTime: info.ModTime().UnixNano()}
	if info.Mode()&fs.ModeSymlink != 0 {
		s.Linkname, _ = fs.ReadLink(r.files, name)
	}
	return s
}

// asText is an error of a file system as it comes from a builder: Linux's text, and no type.
func asText(name string, err error) error {
	for _, known := range []struct{ is, says error }{{fs.ErrNotExist, syscall.ENOENT}, {fs.ErrPermission, syscall.EACCES}, {err, err}} {
		if errors.Is(err, known.is) {
			err = known.says
			break
		}
	}
	return errors.New("open /" + strings.TrimPrefix(name, "/") + ": " + err.Error())
}
