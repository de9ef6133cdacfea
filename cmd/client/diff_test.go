package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// layerWith returns a layer with one file.
func layerWith(t *testing.T, name, content string) testenv.Blob {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return testenv.BytesBlob(ocispecs.MediaTypeImageLayer, b.Bytes())
}

// pushed pushes an image for a platform to a registry.
func pushed(t *testing.T, reg *testenv.Registry, tag, architecture string, layers ...testenv.Blob) string {
	t.Helper()
	config := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: architecture}}
	if _, err := reg.PushImage(t.Context(), "team/app", tag, config, layers...); err != nil {
		t.Fatal(err)
	}
	return reg.Host + "/team/app:" + tag
}

// diffHome keeps the user's files and registry out of the test.
func diffHome(t *testing.T) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv(embedded.HomeEnv, t.TempDir())
	t.Setenv(embedded.PortEnv, strconv.Itoa(freePort(t)))
}

func TestDiff(t *testing.T) {
	diffHome(t)
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	locked, err := testenv.StartRegistry(t.Context(), t.TempDir(), testenv.WithPassword("me", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(locked.Close)
	base, damaged := layerWith(t, "base", "1"), layerWith(t, "damaged", "1")
	one := pushed(t, reg, "one", "amd64", base, layerWith(t, "a", "1"))
	two := pushed(t, reg, "two", "amd64", base, layerWith(t, "a", "12"), layerWith(t, "d/x", "1"), layerWith(t, "d/y", "1"))
	again := pushed(t, reg, "again", "amd64", layerWith(t, "a", "1"), base)
	arm := pushed(t, reg, "arm", "arm64", base)
	bad := pushed(t, reg, "bad", "amd64", base, damaged)
	junk := pushed(t, reg, "junk", "amd64", testenv.BytesBlob(ocispecs.MediaTypeImageLayer, bytes.Repeat([]byte("junk "), 200)))
	denied := pushed(t, locked, "it", "amd64", base)
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, damaged.Digest.String()) {
			return false
		}
		_, _ = w.Write(make([]byte, damaged.Size))
		return true
	})
	tests := []struct {
		name string
		args []string
		want []string // in the output
		code int
		err  string
	}{
		{name: "they differ", args: []string{one, two}, want: []string{
			"--- " + one + "@sha256:", "linux/amd64, 2 layers", "~ /a", "size 1 -> 2 bytes", "+ /d/ ", "2 entries in it, 2 B",
			"\nthe config is the same; 1 path changed; 3 paths added (2 B)\n",
		}},
		{name: "they differ, verbose", args: []string{"--verbose", one, two}, want: []string{"+ /d/x "}},
		{name: "they differ, with an exit code", args: []string{"--exit_code", one, two}, want: []string{"1 path changed"}, code: exitBuild, err: "the images differ"},
		{name: "they are equal, with an exit code", args: []string{"--exit-code", one, again}, want: []string{"The images are equal: same files, same config"}},
		{name: "the same, with an exit code", args: []string{"--exit-code", two, two}, want: []string{"The images are the same: sha256:"}},
		{name: "JSON", args: []string{"--format", "json", one, two}, want: []string{`"equal": false`, `"path": "/d/x"`, `"sharedLayers": 1`}},
		{name: "no shared layers", args: []string{"--skip-shared", one, two}, want: []string{"? /d/x  as in the shared layers -> file", "2 paths unknown"}},
		{name: "another platform", args: []string{"--platform", "linux/arm64", arm, arm}, want: []string{"linux/arm64, 1 layer"}},
		{name: "a platform that is not there", args: []string{"--platform", "linux/arm64", arm, one}, code: exitRegistry,
			err: "the image is for linux/amd64, not linux/arm64"},
		{name: "several platforms", args: []string{"--platform", "linux/arm64,linux/amd64", one, two}, code: exitUsage, err: `invalid --platform "linux/arm64,linux/amd64": must be one platform`},
		{name: "no platform", args: []string{"--platform", "a/b/c/d", one, two}, code: exitUsage, err: `invalid --platform "a/b/c/d"`},
		{name: "no format", args: []string{"--format", "xml", one, two}, code: exitUsage, err: `invalid --format "xml": must be text or json`},
		{name: "one image", args: []string{one}, code: exitUsage, err: "diff compares two images: give IMAGE IMAGE (1 given)"},
		{name: "no reference", args: []string{one, "not a reference"}, code: exitUsage, err: `invalid image "not a reference"`},
		{name: "an unreadable directory", args: []string{"--registry-config", "/nowhere", one, two}, code: exitUsage, err: "/nowhere"},
		{name: "absent", args: []string{one, reg.Host + "/team/app:none"}, code: exitRegistry, err: "/team/app:none: not found"},
		{name: "denied", args: []string{denied, one}, code: exitRegistry, err: "access denied"},
		{name: "unreachable", args: []string{fmt.Sprintf("127.0.0.1:%d/a:1", freePort(t)), one}, code: exitRegistry, err: "connection refused"},
		{name: "a damaged layer", args: []string{one, bad}, code: exitRegistry, err: "the content's digest is sha256:"},
		{name: "a layer that is none", args: []string{one, junk}, code: exitRegistry, err: "its digest is correct, so the layer was already invalid when it was pushed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if !strings.Contains(strings.Join(args, " "), "--platform") {
				args = append([]string{"--platform", "linux/amd64"}, args...)
			}
			out, err := runRoot(t, append([]string{"diff"}, args...)...)
			if projecttest.WantError(t, err, tt.err) && exitCode(err) != tt.code {
				t.Errorf("exit code %d, want %d", exitCode(err), tt.code)
			}
			for _, text := range tt.want {
				if !strings.Contains(out, text) {
					t.Errorf("%q is not in\n%s", text, out)
				}
			}
			if tt.want == nil && out != "" {
				t.Errorf("printed beside the error: %s", out)
			}
			if strings.Contains(tt.name, "JSON") && !json.Valid([]byte(out)) {
				t.Errorf("no JSON: %s", out)
			}
		})
	}
}

// runRoot runs a command line, and returns its standard output.
func runRoot(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestDiffKeepsThePrivateRegistryRunning compares images whose references solve would print.
func TestDiffKeepsThePrivateRegistryRunning(t *testing.T) {
	diffHome(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	options, served := servedHere(ctx, t)
	lease, err := embedded.Acquire(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	private := &testenv.Registry{Host: lease.Registry()}
	private.User, private.Password = lease.Login()
	ref := pushed(t, private, "it", "amd64", layerWith(t, "a", "1"))
	_ = lease.Close()
	if out, err := runRoot(t, "diff", "--platform", "linux/amd64", ref, ref); err != nil || !strings.Contains(out, "The images are the same") {
		t.Errorf("got %s, %v", out, err)
	}
	for wanted, refs := range map[bool][]string{true: {"debian", ref}, false: {"debian", "127.0.0.1:1/a:1"}} {
		lease, err := destination.Lease(ctx, refs, options)
		if err != nil || (lease != nil) != wanted {
			t.Errorf("%q: lease %v, %v", refs, lease, err)
		}
		if lease != nil {
			_ = lease.Close()
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// servedHere runs the private registry in this process until ctx ends. It returns when the registry serves, with a channel for the
// error of its end.
func servedHere(ctx context.Context, t *testing.T) (options embedded.Options, ended <-chan error) {
	t.Helper()
	options, err := embeddedOptions()
	if err != nil {
		t.Fatal(err)
	}
	serves, end := make(chan struct{}), make(chan error, 1)
	serving := options
	serving.Log = func(line string) {
		if strings.HasPrefix(line, "registry on ") {
			close(serves)
		}
		options.Log(line)
	}
	go func() { end <- embedded.Serve(ctx, serving) }()
	select {
	case <-serves:
	case err := <-end:
		t.Fatal(err)
	}
	return options, end
}
