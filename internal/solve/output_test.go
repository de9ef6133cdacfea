package solve

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseOutput(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, in, kind, dir string
		attrs               map[string]string
		err                 string
	}{
		{name: "a directory", in: "out", kind: "local"},
		{name: "local", in: "type=local,dest=out", kind: "local"},
		{name: "oci", in: "type=oci,dest=" + filepath.Join(dir, "a.tar"), kind: "oci"},
		{name: "oci as a directory", in: "type=oci,tar=false,dest=" + dir, kind: "oci", dir: dir},
		{name: "docker", in: "type=docker,dest=" + filepath.Join(dir, "b.tar") + ",name=x", kind: "docker", attrs: map[string]string{"name": "x"}},
		{name: "registry", in: "type=registry,name=a/b", kind: "image", attrs: map[string]string{"push": "true", "name": "a/b"}},
		{name: "two names in quotes", in: `type=image,"name=a/b,a/c"`, kind: "image", attrs: map[string]string{"name": "a/b,a/c"}},
		{name: "keys in capitals", in: "TYPE=image,Name=x", kind: "image", attrs: map[string]string{"name": "x"}},
		{name: "no type", in: "dest=x", err: `invalid --output "dest=x": type= is missing`},
		{name: "unknown type", in: "type=qcow", err: `invalid --output "type=qcow": type= must be image, registry, oci, docker, local or tar, not "qcow"`},
		{name: "no value", in: "type=oci,x", err: `"x" must be KEY=VALUE`},
		{name: "local without dest", in: "type=local", err: "needs dest=DIRECTORY"},
		{name: "image with dest", in: "type=image,dest=x", err: "takes name=, not dest="},
		{name: "a directory for a file", in: "type=tar,dest=" + dir, err: "is a directory"},
		{name: "bad quotes", in: `type="x`, err: "invalid --output"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseOutput(tt.in)
			if tt.err != "" || err != nil {
				if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if got.Kind() != tt.kind || got.OutputDir != tt.dir {
				t.Errorf("got type %q, directory %q", got.Kind(), got.OutputDir)
			}
			for key, want := range tt.attrs {
				if got.Attrs[key] != want {
					t.Errorf("%s is %q, want %q", key, got.Attrs[key], want)
				}
			}
		})
	}
}

// TestPendingFile: a failed solve leaves an older file unchanged.
func TestPendingFile(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(dest, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		commit bool
		want   string
	}{{"aborted", false, "old"}, {"committed", true, "new"}} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := ParseOutput("type=oci,dest=" + dest)
			if err != nil {
				t.Fatal(err)
			}
			w, err := e.Output(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("new")); err != nil {
				t.Fatal(err)
			}
			w.Close()
			if tt.commit {
				if err := e.Commit(); err != nil {
					t.Fatal(err)
				}
			}
			e.Abort()
			if got, _ := os.ReadFile(dest); string(got) != tt.want {
				t.Errorf("the file holds %q, want %q", got, tt.want)
			}
			if all, _ := os.ReadDir(filepath.Dir(dest)); len(all) != 1 {
				t.Errorf("%d files are left", len(all))
			}
		})
	}
}

// TestAbortWhileWriting: after an interrupt, the temporary file is removed at once, although the builder may still write to it.
func TestAbortWhileWriting(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "out.tar")
	e, err := ParseOutput("type=oci,dest=" + dest)
	if err != nil {
		t.Fatal(err)
	}
	w, err := e.Output(nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Abort()
	if _, err := w.Write([]byte("more")); err != nil {
		t.Error(err)
	}
	if err := e.Commit(); !errors.Is(err, errNotWritten) {
		t.Errorf("Commit gives %v", err)
	}
	if all, _ := os.ReadDir(filepath.Dir(dest)); len(all) != 0 {
		t.Errorf("%d files are left", len(all))
	}
	_ = w.Close()
}

// TestDirectoryExport: the directory is complete when the export's stream is closed, and a broken archive is an error.
func TestDirectoryExport(t *testing.T) {
	var whole bytes.Buffer
	archive := tar.NewWriter(&whole)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "a/", Mode: 0o755}, {Typeflag: tar.TypeReg, Name: "a/b", Mode: 0o600, Size: 3},
	} {
		if err := archive.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := archive.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	archive.Close()
	for _, tt := range []struct {
		name string
		data []byte
		bad  bool
	}{{"whole", whole.Bytes(), false}, {"cut off", whole.Bytes()[:1025], true}} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "below", "out")
			e, err := ParseOutput(dir)
			if err != nil {
				t.Fatal(err)
			}
			w, err := e.Output(nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(tt.data)
			if err := w.Close(); (err != nil) != tt.bad {
				t.Fatalf("Close gives %v", err)
			}
			if data, err := os.ReadFile(filepath.Join(dir, "a", "b")); !tt.bad && (err != nil || string(data) != "new") {
				t.Errorf("the file holds %q, %v", data, err)
			}
		})
	}
}
