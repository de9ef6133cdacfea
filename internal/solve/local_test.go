package solve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/tags"
)

// scanned returns the Local of a project with three files, one of them a link.
func scanned(t *testing.T) (dir string, local *Local) {
	t.Helper()
	dir = t.TempDir()
	put(t, dir, "app.js", "the app")
	put(t, dir, "lib/a.js", strings.Repeat("a", 100_000))
	put(t, dir, "hidden/b.js", "b")
	if err := os.Symlink("hidden", filepath.Join(dir, "vendor")); err != nil {
		t.Fatal(err)
	}
	src := tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}, Ignore: []string{"hidden"}}
	tree, err := tags.Scan(t.Context(), dir, src)
	if err != nil {
		t.Fatal(err)
	}
	if local, err = NewLocal(tree.Root, tree.Entries, OpenInstallation(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = local.Close() })
	return tree.Root, local
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(content), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// TestSendsOnlyWhatWasHashed: every kind of change between the scan and the transfer ends the transfer.
func TestSendsOnlyWhatWasHashed(t *testing.T) {
	tests := []struct {
		name   string
		change func(dir string) error
		path   string // empty if there is no error
		is     error
	}{
		{"nothing", func(string) error { return nil }, "", nil},
		{"touched", func(dir string) error { return os.Chtimes(dir+"/app.js", timeOf(1), timeOf(1)) }, "", nil},
		{"new file", func(dir string) error { return os.WriteFile(dir+"/new", nil, 0o644) }, "", nil},
		{"rewritten with equal size and time", func(dir string) error {
			info, err := os.Stat(dir + "/app.js")
			return errors.Join(err, os.WriteFile(dir+"/app.js", []byte("the cat"), 0o644), os.Chtimes(dir+"/app.js", info.ModTime(), info.ModTime()))
		}, "app.js", errContent},
		{"grown", func(dir string) error { return os.WriteFile(dir+"/app.js", []byte("the app, and more"), 0o644) }, "app.js", errContent},
		{"shrunk", func(dir string) error { return os.Truncate(dir+"/lib/a.js", 10) }, "lib/a.js", errContent},
		{"emptied", func(dir string) error { return os.Truncate(dir+"/app.js", 0) }, "app.js", errContent},
		{"deleted", func(dir string) error { return os.Remove(dir + "/app.js") }, "app.js", fs.ErrNotExist},
		{"renamed", func(dir string) error { return os.Rename(dir+"/lib", dir+"/src") }, "lib/a.js", fs.ErrNotExist},
		{"a link to the same content", func(dir string) error {
			return errors.Join(os.Rename(dir+"/app.js", dir+"/other.js"), os.Symlink("other.js", dir+"/app.js"))
		}, "app.js", errKind},
		{"a link out of the context", func(dir string) error {
			return errors.Join(os.Remove(dir+"/app.js"), os.Symlink("/etc/passwd", dir+"/app.js"))
		}, "app.js", errKind},
		{"a directory that is a link out of the context", func(dir string) error {
			out := dir + "-outside"
			return errors.Join(os.Rename(dir+"/lib", out), os.Symlink(out, dir+"/lib"))
		}, "lib/a.js", nil},
		{"a directory", func(dir string) error { return errors.Join(os.Remove(dir+"/app.js"), os.Mkdir(dir+"/app.js", 0o755)) }, "app.js", errKind},
		{"a file for a directory", func(dir string) error {
			return errors.Join(os.RemoveAll(dir+"/lib"), os.WriteFile(dir+"/lib", nil, 0o644))
		}, "lib/a.js", syscall.ENOTDIR},
		{"a pipe", func(dir string) error {
			return errors.Join(os.Remove(dir+"/app.js"), syscall.Mkfifo(dir+"/app.js", 0o644))
		}, "app.js", errKind},
		{"another link for a link", func(dir string) error {
			return errors.Join(os.Remove(dir+"/vendor"), os.Symlink("/", dir+"/vendor"))
		}, "", nil}, // the content is still the same
		{"what a link led to", func(dir string) error { return os.WriteFile(dir+"/hidden/b.js", []byte("c"), 0o644) }, "vendor/b.js", errContent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, local := scanned(t)
			if err := tt.change(dir); err != nil {
				t.Fatal(err)
			}
			got, err := receive(t, local)
			changed := local.Changed()
			if tt.path == "" {
				if err != nil || changed != nil || got["app.js"] != "the app" || got["vendor/b.js"] != "b" || len(got["lib/a.js"]) != 100_000 {
					t.Fatalf("got %.50q, error %v, changed %v", got, err, changed)
				}
				return
			}
			if err == nil || changed == nil || changed.Path != tt.path || tt.is != nil && !errors.Is(changed, tt.is) {
				t.Fatalf("got error %v, changed %v, want one of %s: %v", err, changed, tt.path, tt.is)
			}
			if content, whole := got[tt.path]; whole {
				t.Errorf("%s arrived whole: %.50q", tt.path, content)
			}
		})
	}
}

// receive transfers all files with fsutil's own sender. It returns the files that arrived completely.
func receive(t *testing.T, local *Local) (map[string]string, error) {
	t.Helper()
	sender, receiver := pipe(t.Context())
	var all errgroup.Group
	all.Go(func() error {
		defer sender.hangUp()
		return fsutil.Send(t.Context(), sender, local, nil)
	})
	whole := map[string]string{}
	all.Go(func() error { // like the end of a solve
		select {
		case <-local.Ended():
		case <-receiver.gone:
		}
		receiver.hangUp()
		return nil
	})
	err := readAll(receiver, whole)
	return whole, errors.Join(all.Wait(), err)
}

// readAll requests each file after its stat. It returns after all files, or when the sender closes the connection.
func readAll(c *conn, whole map[string]string) error {
	paths, content := map[uint32]string{}, map[uint32]*bytes.Buffer{}
	var id uint32
	wanted := -1
	for wanted != len(whole) {
		var p types.Packet
		if err := c.RecvMsg(&p); err != nil {
			return err
		}
		switch {
		case p.Type == types.PACKET_STAT && p.Stat == nil:
			wanted = len(paths)
		case p.Type == types.PACKET_STAT:
			if fs.FileMode(p.Stat.Mode).IsRegular() {
				paths[id], content[id] = p.Stat.Path, &bytes.Buffer{}
				if err := c.SendMsg(&types.Packet{Type: types.PACKET_REQ, ID: id}); err != nil {
					return err
				}
			}
			id++
		case p.Type == types.PACKET_DATA && len(p.Data) == 0:
			whole[paths[p.ID]] = content[p.ID].String()
		case p.Type == types.PACKET_DATA:
			content[p.ID].Write(p.Data)
		}
	}
	return c.SendMsg(&types.Packet{Type: types.PACKET_FIN})
}

// conn is one end of a connection in memory.
type conn struct {
	ctx  context.Context //nolint:containedctx // fsutil.Stream asks for it
	in   <-chan []byte
	out  chan<- []byte
	done chan struct{} // closed by this end
	gone chan struct{} // closed by the other
}

func pipe(ctx context.Context) (a, b *conn) {
	one, other := make(chan []byte, 1000), make(chan []byte, 1000)
	aDone, bDone := make(chan struct{}), make(chan struct{})
	return &conn{ctx, one, other, aDone, bDone}, &conn{ctx, other, one, bDone, aDone}
}

func (c *conn) hangUp()                  { close(c.done) }
func (c *conn) Context() context.Context { return c.ctx }

func (c *conn) SendMsg(m any) error {
	data, err := m.(*types.Packet).MarshalVT()
	if err != nil {
		return err
	}
	select {
	case c.out <- data:
		return nil
	case <-c.gone:
		return io.ErrClosedPipe
	}
}

func (c *conn) RecvMsg(m any) error {
	select {
	case data := <-c.in:
		return m.(*types.Packet).UnmarshalVT(data)
	case <-c.done:
		return io.ErrClosedPipe
	case <-c.gone:
	}
	select { // data that was sent before the end
	case data := <-c.in:
		return m.(*types.Packet).UnmarshalVT(data)
	default:
		return io.EOF
	}
}

// TestListsParents: a walk visits each directory before its content, in fsutil's order, even if it was not listed.
func TestListsParents(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a/b/c", "1")
	put(t, dir, "a.b", "2")
	local, err := NewLocal(dir, []tags.Entry{{Path: "a.b", Mode: 0o644}, {Path: "a/b/c", Mode: 0o644}}, Installation{})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	var got []string
	if err := local.Walk(t.Context(), "/", func(p string, _ fs.DirEntry, err error) error { got = append(got, p); return err }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "a/b", "a/b/c", "a.b"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestWalkSkips: with BuildKit's patterns, a walk skips the files that a builder does not request.
func TestWalkSkips(t *testing.T) {
	dir := t.TempDir()
	local, err := NewLocal(dir, []tags.Entry{{Path: "a/x", Mode: 0o644}, {Path: "b/y", Mode: 0o644}, {Path: "b/z/1", Mode: 0o644}, {Path: "c", Mode: 0o644}}, Installation{})
	if err != nil {
		t.Fatal(err)
	}
	defer local.Close()
	tests := []struct {
		name string
		skip map[string]error
		want []string
	}{
		{"nothing", nil, []string{"a", "a/x", "b", "b/y", "b/z", "b/z/1", "c"}},
		{"a directory", map[string]error{"b": fs.SkipDir}, []string{"a", "a/x", "b", "c"}},
		{"what follows a file in its directory", map[string]error{"b/y": fs.SkipDir}, []string{"a", "a/x", "b", "b/y", "c"}},
		{"all that follows", map[string]error{"b": fs.SkipAll}, []string{"a", "a/x", "b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			err := local.Walk(t.Context(), "/", func(p string, _ fs.DirEntry, _ error) error { got = append(got, p); return tt.skip[p] })
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
	filtered, err := fsutil.NewFilterFS(local, &fsutil.FilterOpt{IncludePatterns: []string{"b"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := filtered.Walk(t.Context(), "/", func(p string, _ fs.DirEntry, err error) error { got = append(got, p); return err }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"b", "b/y", "b/z", "b/z/1"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
