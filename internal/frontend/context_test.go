package frontend

import (
	"errors"
	"io/fs"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

func TestIsLocal(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		inputs    []string
		want      bool
	}{
		{"a directory", "", nil, true},
		{"a directory, and another target's result", "", []string{"deps"}, true},
		{"a repository", "https://example.com/agent.git#main", nil, false},
		{"a repository without a scheme", "github.com/example/agent", nil, false},
		{"an archive", "https://example.com/agent.tar.gz", nil, false},
		{"another target's result", "", []string{dockerui.DefaultLocalNameContext}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := fakegateway.New()
			for _, name := range tt.inputs {
				c.Targets[name] = llb.Scratch()
			}
			got, err := isLocal(t.Context(), c, tt.url)
			if err != nil || got != tt.want {
				t.Errorf("got %t, %v", got, err)
			}
		})
	}
}

// A file is read once, whoever asks, and nobody sees what another does to it. That there is none is asked once, too.
func TestContextFSAsksOnce(t *testing.T) {
	c := fakegateway.New()
	c.Files = func(fakegateway.Solve) (fs.FS, error) { return fstest.MapFS{"a.txt": {Data: []byte("a")}}, nil }
	ref, err := imagebuild.Solve(t.Context(), c, llb.Scratch(), ocispecs.Platform{}, gateway.SolveRequest{})
	if err != nil {
		t.Fatal(err)
	}
	files := (&project{}).files(t.Context())
	files.known, files.parts[partKnown] = []string{"a.txt", "b.txt"}, part{Reference: ref}
	for range 3 {
		data, err := fs.ReadFile(files, "a.txt")
		if err != nil || string(data) != "a" {
			t.Fatalf("got %q, %v", data, err)
		}
		data[0] = 'x'
		if _, err := fs.Stat(files, "b.txt"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("got %v", err)
		}
		if _, err := fs.ReadFile(files, "b.txt"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("got %v", err)
		}
	}
	for question, want := range map[string]int{"read a.txt": 1, "stat b.txt": 1, "read b.txt": 0} {
		if got := c.Reads(question); got != want {
			t.Errorf("%s: asked %d times, not %d", question, got, want)
		}
	}
}

// TestAFaultIsToldByItsTextInOneOrder: where several texts fit, the answer is the same in every run, and absence is the last thing believed.
func TestAFaultIsToldByItsTextInOneOrder(t *testing.T) {
	for _, tt := range []struct {
		text string
		want error
	}{
		{"open /a: no such file or directory", fs.ErrNotExist},
		{"file does not exist", fs.ErrNotExist},
		{"lstat /a/b: not a directory", syscall.ENOTDIR},
		{"open /a: permission denied", fs.ErrPermission},
		{"lstat /a/b: not a directory: no such file or directory", syscall.ENOTDIR},
		{"no such file or directory; open /a: permission denied", fs.ErrPermission},
	} {
		for range 50 {
			err := fsError("stat", "a", errors.New(tt.text))
			var path *fs.PathError
			if !errors.As(err, &path) || path.Err != tt.want { //nolint:errorlint // ErrNotExist is another error's cause too
				t.Fatalf("%q: got %v, want %v", tt.text, err, tt.want)
			}
		}
	}
}
