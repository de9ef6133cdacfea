package testmirror

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

var (
	shared *Mirror // for tests that cause no faults
	temp   string  // a directory for files that tests share
)

func TestMain(m *testing.M) {
	code, err := testAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot test:", err)
		code = 1
	}
	os.Exit(code)
}

func testAll(m *testing.M) (code int, err error) {
	if os.Getuid() != 0 {
		return 1, fmt.Errorf("root file systems need root: run as root")
	}
	cache, err := testenv.CacheDir()
	if err != nil {
		return 1, err
	}
	if shared, err = Start(context.Background(), cache); err != nil {
		return 1, err
	}
	defer shared.Close()
	if temp, err = os.MkdirTemp("", "rtbuild-testmirror-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(temp)
	return m.Run(), nil
}

// start starts a mirror for one test.
func start(t *testing.T) *Mirror {
	t.Helper()
	cache, err := testenv.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Start(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// at returns a mirror's address for a real address.
func at(m *Mirror, address string) string {
	for prefix, replacement := range m.Mirrors() {
		if rest, ok := strings.CutPrefix(address, prefix); ok {
			return replacement + rest
		}
	}
	return address
}

// get fetches a real address from a mirror.
func get(t *testing.T, m *Mirror, address string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at(m, address), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

// root is a root file system of Debian trixie in which programs run.
type root struct {
	dir string
	env []string
}

func newRoot(t *testing.T, dir string) root {
	t.Helper()
	layer, err := testenv.BaseOf(t.Context(), "trixie", runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	in, err := layer.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r := root{dir: dir, env: []string{"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"}}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	unpack := exec.CommandContext(t.Context(), "tar", "--extract", "--gzip", "--numeric-owner", "--directory", r.dir)
	unpack.Stdin = in
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpacking the base: %v\n%s", err, out)
	}
	// Remove addresses that are not stand-ins.
	for _, list := range []string{"etc/apt/sources.list", "etc/apt/sources.list.d"} {
		if err := os.RemoveAll(filepath.Join(r.dir, list)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// command returns a command that runs a script in the root file system, in new PID and mount namespaces.
func (r root) command(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	const enter = `mount -t proc proc "$0/proc" && exec chroot "$0" bash -euc "$1"`
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", enter, r.dir, script)
	cmd.Env = r.env
	return cmd
}

// run runs a script and returns its output.
func (r root) run(t *testing.T, script string) string {
	t.Helper()
	out, err := r.command(t, script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// fails runs a script that must exit with a code, and returns its output.
func (r root) fails(t *testing.T, code int, script string) string {
	t.Helper()
	cmd := r.command(t, script)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s: code %d, want %d (%v)\n%s", script, got, code, err, out)
	}
	return string(out)
}

// write writes a file of the root file system.
func (r root) write(t *testing.T, name string, content []byte, mode os.FileMode) {
	t.Helper()
	file := filepath.Join(r.dir, name)
	if err := writeFile(file, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
}

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not contain %q:\n%s", what, part, text)
		}
	}
}
