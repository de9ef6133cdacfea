package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/session/auth/authprovider"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// servedPair runs the private registry in this process until the test ends, and gives a lease on it.
func servedPair(t *testing.T) *embedded.Lease {
	t.Helper()
	diffHome(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	options, err := embeddedOptions()
	if err != nil {
		t.Fatal(err)
	}
	options.Handler = registry.Handler
	served := make(chan error, 1)
	go func() { served <- embedded.Serve(ctx, options) }()
	running(ctx, t, options)
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
	return lease
}

func TestOnlyThePrivateBuilderIsHandedTheToken(t *testing.T) {
	lease := servedPair(t)
	_, token := lease.Login()
	ours := lease.Registry()
	// What docker login has left for the private registry is in the user's file, like everything else.
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
		{"the private builder for one that nobody knows", true, "other.example.com", ""},
		{"the private builder for another name of loopback", true, strings.Replace(ours, "127.0.0.1", "localhost", 1), ""},
		{"the private builder for that name in capitals", true, strings.Replace(ours, "127.0.0.1", "LOCALHOST", 1), ""},
		{"another builder for the private registry", false, ours, ""},
		{"another builder for its own", false, "r.example.com", "pw"},
		{"another builder for one on loopback", false, "localhost:5000", "pw"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at := &place{lease: lease}
			got, err := at.passwords(&solve.Builder{Private: test.private}, users)(t.Context(), test.host, nil, nil)
			if err != nil || got.Password != test.want {
				t.Errorf("got %t, %v", got.Password != "", err)
			}
		})
	}
}

// whereTests are repositories and bases; PRIVATE is the private registry. None of them starts anything but that.
var whereTests = []struct {
	name, repository, base, addr string
	lease, embedded              bool
	err                          string
}{
	{name: "neither is there", repository: "r.example.com/x", base: "debian"},
	{name: "the repository is", repository: "PRIVATE/x", base: "debian", lease: true, embedded: true},
	{name: "the base is", repository: "r.example.com/x", base: "PRIVATE/debian:1", lease: true},
	{name: "the base is, and the builder another", repository: "r.example.com/x", base: "PRIVATE/debian:1", addr: "tcp://b:1", lease: true},
	{name: "the repository is, and the builder another", repository: "PRIVATE/x", addr: "tcp://b:1", err: "only the private builder may push"},
	{name: "another port of loopback", repository: "127.0.0.1:1/x", base: "localhost:1/x"},
	{name: "another name", repository: "LOCALHOST/x", err: "write that instead"},
	{name: "another name in capitals", repository: "CAPITALS/x", err: "write that instead"},
	{name: "another name of the base, in capitals", repository: "r.example.com/x", base: "CAPITALS/debian", err: "write that instead"},
	{name: "another name of the base", repository: "r.example.com/x", base: "LOCALHOST/debian", err: "write that instead"},
}

func TestWhatIsInThePrivateRegistryTakesALease(t *testing.T) {
	ours := servedPair(t).Registry()
	names := strings.NewReplacer("PRIVATE", ours, "LOCALHOST", strings.Replace(ours, "127.0.0.1", "localhost", 1), "CAPITALS", strings.Replace(ours, "127.0.0.1", "LocalHost", 1))
	for _, test := range whereTests {
		t.Run(test.name, func(t *testing.T) {
			at := &place{repository: names.Replace(test.repository), base: names.Replace(test.base), address: builders.Address{Addr: test.addr}}
			err := at.findPrivate(t.Context())
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v", err)
				}
				return
			}
			defer at.Close()
			if err != nil || (at.lease != nil) != test.lease || at.embedded != test.embedded {
				t.Errorf("lease %t, embedded %t, %v", at.lease != nil, at.embedded, err)
			}
			user, password := at.login(ours)
			if (user != "") != test.embedded || (password != "") != test.embedded {
				t.Errorf("the client logs in: %t", password != "")
			}
			if _, password := at.login("r.example.com"); password != "" {
				t.Error("the client logs in elsewhere")
			}
		})
	}
}

// TestAPortThatIsNoneIsAUsageError: the README's table of exit codes has 2 for what was given wrongly, 4 for what fails in the builder.
func TestAPortThatIsNoneIsAUsageError(t *testing.T) {
	t.Setenv(embedded.HomeEnv, t.TempDir())
	t.Setenv(embedded.PortEnv, "http")
	t.Setenv("BUILDKIT_HOST", "")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `invalid RTBUILD_REGISTRY_PORT "http": it is a port, 1 to 65535`
	for name, args := range map[string][]string{
		"serve":                          {"serve"},
		"plan in the private registry":   {"plan", "--base-image", "debian:bookworm", dir},
		"plan with a loopback reference": {"plan", "--base-image", "127.0.0.1:1/x", "--repository", "r.example.com/x", dir},
	} {
		t.Run(name, func(t *testing.T) {
			root := newRoot()
			root.SetArgs(args)
			if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) || exitCode(err) != exitUsage {
				t.Errorf("got exit code %d, %v", exitCode(err), err)
			}
		})
	}
}

// furtherOf are what solve with some flags asks the builder for.
func furtherOf(t *testing.T, args []string) []string {
	t.Helper()
	var o solveOptions
	cmd := &cobra.Command{}
	o.plan.register(cmd)
	o.build.register(cmd)
	o.output.register(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	flags, err := o.build.read("")
	if err != nil {
		t.Fatal(err)
	}
	exports, err := o.output.exports(t.Context(), "r.example.com/x:source")
	if err != nil {
		t.Fatal(err)
	}
	return furtherRefs(o.plan.reuse, exports, flags)
}

// TestThePrivateBuilderReachesAllThatItIsAskedFor: what hosts.toml says of every registry counts for each that a flag names.
func TestThePrivateBuilderReachesAllThatItIsAskedFor(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "_default"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "_default", "hosts.toml"), []byte("[host.\"https://mirror.example.com\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		args []string
		want string // beside the repository's and the base's
	}{
		{"nothing else", nil, ""},
		{"deps images of another repository", []string{"--reuse-from", "reuse.example.com/x"}, "reuse.example.com"},
		{"a cache that is read", []string{"--cache-from", "type=registry,ref=from.example.com/x:c"}, "from.example.com"},
		{"caches by name alone", []string{"--cache-from", "one.example.com/x,two.example.com/x"}, "one.example.com two.example.com"},
		{"a cache that is written", []string{"--cache-to", "type=registry,ref=to.example.com:5000/x"}, "to.example.com:5000"},
		{"caches elsewhere", []string{"--cache-to", "type=local,dest=/nowhere", "--cache-to", "type=inline"}, ""},
		{"images of other names", []string{"-o", "type=image,\"name=a.example.com/x,b.example.com/x\",push=true"}, "a.example.com b.example.com"},
		{"an archive", []string{"-o", "type=oci,dest=/nowhere/x.tar,name=a.example.com/x"}, ""},
		{"a bill of materials", []string{"--sbom", "true"}, "docker.io"},
		{"a bill of materials by another scanner", []string{"--sbom", "generator=scan.example.com/x"}, "scan.example.com"},
		{"no bill of materials", []string{"--attest", "type=sbom,generator=scan.example.com/x,disabled=true"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, err := registry.New(registry.Options{ConfigDir: dir, Warn: func(line string) { t.Error(line) }})
			if err != nil {
				t.Fatal(err)
			}
			at := &place{repository: "r.example.com/x", base: "base.example.com/x", registry: client, further: furtherOf(t, test.args)}
			trust, err := at.trust()
			if err != nil {
				t.Fatal(err)
			}
			want := append(strings.Fields(test.want), "base.example.com", "r.example.com")
			slices.Sort(want)
			var got []string
			for _, name := range slices.Sorted(maps.Keys(trust.Registries)) {
				if slices.Contains(trust.Registries[name].Mirrors, "mirror.example.com") {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
