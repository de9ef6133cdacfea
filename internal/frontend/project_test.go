package frontend_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"

	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
)

// manifests is what comes of the project in the transfer of its manifests, but for one file.
func (s *scene) manifests(t *testing.T, name, content string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"package.json", "package-lock.json", "runtime.yaml", "server.js"} {
		data, err := os.ReadFile(s.project + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	files[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	return files
}

// TestCheckRead: what the runtime was read from has to be what came to the builder as source: the two are transfers of their own. Targets
// without a source do not mind.
func TestCheckRead(t *testing.T) {
	const other = `{"name":"agent","version":"1.2.4","scripts":{"start":"node server.js"}}`
	const otherLock = `{"name":"agent","version":"1.2.3","lockfileVersion":3,"packages":{"":{"name":"agent"}}}`
	for _, tt := range []struct {
		name, target  string
		file, content string
		want          string
	}{
		{"the manifest changed", "source", "package.json", other, "package.json came to the builder with two contents"},
		{"the lock file changed", "source", "package-lock.json", otherLock, "package-lock.json came to the builder with two contents"},
		{"a file that was not read changed", "source", "server.js", "other", ""},
		{"deps hold no source", "deps", "package.json", other, ""},
		{"tools hold no source", "tools", "package.json", other, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t).set("target", tt.target)
			s.loads["[internal] load manifests"] = s.manifests(t, tt.file, tt.content)
			_, err := s.build()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || position(err) == "") {
				t.Errorf("got %v at %q", err, position(err))
			}
			if tt.want != "" && s.Refs() != nil {
				t.Errorf("asked for %q", s.Refs())
			}
		})
	}
}

// TestLinks: what links of the source lead to is asked for too, once. A link that leads out of the context is an error.
func TestLinks(t *testing.T) {
	const more = "[internal] load what links lead to"
	for _, tt := range []struct {
		name, link string
		loads      int
		want       string
	}{
		{"into the project", "server.js", 0, ""},
		{"to what is not there", "gone.js", 1, ""},
		{"out of it", "../../etc/passwd", 0, "the source has links that leave the context"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			if err := os.Symlink(tt.link, s.project+"/link.js"); err != nil {
				t.Fatal(err)
			}
			_, err := s.build()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || position(err) == "") {
				t.Errorf("got %v at %q", err, position(err))
			}
			loads := 0
			for _, solve := range s.Solves() {
				if solve.Title() == "[source] hash the source tree" && slices.Contains(solve.Names(), more) {
					loads++
				}
			}
			if loads != tt.loads {
				t.Errorf("asked for more %d times", loads)
			}
		})
	}
}

// TestTransfers: a project comes to the builder in a few transfers, each once, and none of them is the .dockerignore alone.
func TestTransfers(t *testing.T) {
	s := newScene(t)
	s.must()
	count := map[string]int{}
	for _, solve := range s.Solves() {
		if len(solve.Vertices) == 1 && strings.HasPrefix(solve.Title(), "[internal] load ") {
			count[solve.Title()]++
		}
	}
	for title, n := range count {
		if n != 1 || strings.HasSuffix(title, ".dockerignore") {
			t.Errorf("%s: %d times", title, n)
		}
	}
	if count["[internal] load manifests"] != 1 || count["[internal] load build definition from runtime.yaml"] != 1 {
		t.Errorf("the transfers are %v", count)
	}
}

// TestLockFilesOfTheTransfer: the deps image is built from the very transfer in which the lock files were hashed.
func TestLockFilesOfTheTransfer(t *testing.T) {
	s := newScene(t).set("target", "deps")
	s.must()
	names := s.image().Names()
	for _, want := range []string{"[internal] load manifests", "[deps] take package-lock.json", "[deps] take package.json"} {
		if !slices.Contains(names, want) {
			t.Errorf("%q is missing in %q", want, names)
		}
	}
	for _, source := range s.image().Sources() {
		if strings.HasPrefix(source, "local://") && source != "local://context" {
			t.Errorf("built from %s", source)
		}
	}
}

// TestMaterialize: a source that is not copied as it came is laid out by a step of its own.
func TestMaterialize(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   bool
	}{
		{"all is copied", func(*scene) {}, false},
		{"a link is followed", func(s *scene) {
			s.put("node_modules/x.js", "x")
			if err := os.Symlink("node_modules/x.js", s.project+"/link.js"); err != nil {
				s.t.Fatal(err)
			}
		}, true},
		{"all of what is transferred is", func(s *scene) {
			s.put("runtime.yaml", "base: debian:bookworm\nrepository: "+repository+"\nsource: [{path: server.js}, {path: package.json}]\n")
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			tt.change(s)
			s.must()
			if got := slices.Contains(s.image().Names(), "[source] materialize the source tree"); got != tt.want {
				t.Errorf("materialized: %t", got)
			}
		})
	}
}

// TestSourceFails: a source that cannot be hashed is told at the line of the source.
func TestSourceFails(t *testing.T) {
	s := newScene(t)
	s.failing["[source] hash the source tree"] = fakegateway.ErrUnavailable
	if _, err := s.build(); err == nil || !strings.Contains(err.Error(), "503") || position(err) != "runtime.yaml:1" {
		t.Errorf("got %v at %q", err, position(err))
	}
}

// TestStepFails: a failed step is told by its name and exit code, without the rest of what the builder says.
func TestStepFails(t *testing.T) {
	exit := &gatewaypb.ExitError{ExitCode: 7, Err: errors.New(`process "/bin/sh /tmp/.rtbuild/npm-ci" did not complete`)}
	for _, tt := range []struct {
		name string
		err  error
		text string
	}{
		{"a program", errdefs.WrapVertex(exit, "sha256:0"), "step npm-ci failed: exit code 7"},
		{"no program", errdefs.WrapVertex(errors.New("digest mismatch"), "sha256:0"), "digest mismatch"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			s.failing["[deps] npm ci"] = tt.err
			_, err := s.build()
			if err == nil || err.Error() != tt.text || !errors.As(err, new(*errdefs.VertexError)) {
				t.Errorf("got %v", err)
			}
			if len(s.Solves()) == 0 || !strings.HasPrefix(s.image().Title(), "[deps] ") {
				t.Errorf("went on with %q", s.image().Title())
			}
		})
	}
}
