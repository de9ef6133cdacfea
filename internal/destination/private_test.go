package destination

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// privatePair runs the private registry in this process until the test ends. It returns a lease on it, and the options to find it.
func privatePair(t *testing.T) (*embedded.Lease, embedded.Options) {
	t.Helper()
	lines, served := make(chan string, 10), make(chan error, 1)
	options := embedded.Options{
		Dir: t.TempDir(), Port: freePort(t), Handler: registry.Handler, UntilIdle: true,
		Log: func(line string) { lines <- line },
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { served <- embedded.Serve(ctx, options) }()
	select {
	case <-lines: // it logs its address
	case err := <-served:
		t.Fatal(err)
	}
	options.Log = func(line string) { t.Error(line) }
	lease, err := embedded.Acquire(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = lease.Close()
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return lease, options
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestCredentials(t *testing.T) {
	lease, _ := privatePair(t)
	_, token := lease.Login()
	ours := lease.Registry()
	// docker login stores the private registry's password in the user's file.
	file := map[string]types.AuthConfig{
		ours: {Username: embedded.User, Password: token}, "localhost:5000": {Username: "me", Password: "pw"},
		strings.Replace(ours, "127.0.0.1", "LOCALHOST", 1): {Username: embedded.User, Password: token}, "r.example.com": {Username: "me", Password: "pw"},
	}
	users := func(_ context.Context, host string, _ []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		return file[host], nil
	}
	tests := []struct {
		name    string
		private bool
		host    string
		want    string
	}{
		{"the private builder for its registry", true, ours, token},
		{"the private builder for another", true, "r.example.com", "pw"},
		{"the private builder for an unknown registry", true, "other.example.com", ""},
		{"the private builder for another name of loopback", true, strings.Replace(ours, "127.0.0.1", "localhost", 1), ""},
		{"the private builder for that name in capitals", true, strings.Replace(ours, "127.0.0.1", "LOCALHOST", 1), ""},
		{"another builder for the private registry", false, ours, ""},
		{"another builder for its own", false, "r.example.com", "pw"},
		{"another builder for one on loopback", false, "localhost:5000", "pw"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &Destination{lease: lease}
			got, err := d.Credentials(&solve.Builder{Private: test.private}, users)(t.Context(), test.host, nil, nil)
			if err != nil || got.Password != test.want {
				t.Errorf("got %t, %v", got.Password != "", err)
			}
		})
	}
}

// leaseTests are repositories and bases; PRIVATE is the private registry.
var leaseTests = []struct {
	name, repository, base, addr string
	lease, embedded              bool
	err                          string
}{
	{name: "neither in the private registry", repository: "r.example.com/x", base: "debian"},
	{name: "the repository", repository: "PRIVATE/x", base: "debian", lease: true, embedded: true},
	{name: "the base", repository: "r.example.com/x", base: "PRIVATE/debian:1", lease: true},
	{name: "the base, with another builder", repository: "r.example.com/x", base: "PRIVATE/debian:1", addr: "tcp://b:1", lease: true},
	{name: "the repository, with another builder", repository: "PRIVATE/x", addr: "tcp://b:1", err: "only the private builder may push"},
	{name: "another port of loopback", repository: "127.0.0.1:1/x", base: "localhost:1/x"},
	{name: "another name", repository: "LOCALHOST/x", err: "use that address"},
	{name: "another name in capitals", repository: "CAPITALS/x", err: "use that address"},
	{name: "another name of the base, in capitals", repository: "r.example.com/x", base: "CAPITALS/debian", err: "use that address"},
	{name: "another name of the base", repository: "r.example.com/x", base: "LOCALHOST/debian", err: "use that address"},
}

func TestOpenTakesALease(t *testing.T) {
	lease, options := privatePair(t)
	ours := lease.Registry()
	names := strings.NewReplacer("PRIVATE", ours, "LOCALHOST", strings.Replace(ours, "127.0.0.1", "localhost", 1), "CAPITALS", strings.Replace(ours, "127.0.0.1", "LocalHost", 1))
	for _, test := range leaseTests {
		t.Run(test.name, func(t *testing.T) {
			d, err := Open(t.Context(), Options{
				Repository: names.Replace(test.repository), Base: names.Replace(test.base), Builder: builders.Address{Addr: test.addr}, Private: options,
			})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if (d.lease != nil) != test.lease || d.Embedded != test.embedded {
				t.Errorf("lease %t, embedded %t", d.lease != nil, d.Embedded)
			}
			user, password := d.login(ours)
			if (user != "") != test.embedded || (password != "") != test.embedded {
				t.Errorf("the client logs in: %t", password != "")
			}
			if _, password := d.login("r.example.com"); password != "" {
				t.Error("the client logs in elsewhere")
			}
		})
	}
}

// TestBuilderTrust: the settings of _default/hosts.toml apply to every registry that the builder uses.
func TestBuilderTrust(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "_default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "_default", "hosts.toml"), []byte("[host.\"https://mirror.example.com\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := New(Options{
		Repository: "r.example.com/x", Base: "base.example.com/x", ConfigDir: dir, Warn: func(line string) { t.Error(line) },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.AddReferences("from.example.com/x:cache", "")
	d.AddReferences("a.example.com:5000/x")
	got, err := d.builderTrust()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.example.com:5000", "base.example.com", "from.example.com", "r.example.com"}
	for _, name := range want {
		if !slices.Contains(got.Registries[name].Mirrors, "mirror.example.com") {
			t.Errorf("%s: got %+v", name, got.Registries[name])
		}
	}
	if len(got.Registries) != len(want) {
		t.Errorf("got %v", got.Registries)
	}
}
