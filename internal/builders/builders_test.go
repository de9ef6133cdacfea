package builders

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	systemSocket = "/nowhere/buildkitd.sock"
	_ = os.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock") // a machine's own engine is no part of the tests
	_ = os.Unsetenv("DOCKER_CONTEXT")
	os.Exit(m.Run())
}

// TestFind: Find returns the first candidate, with the TLS settings of flags.
func TestFind(t *testing.T) {
	const addr, name, host, variable, used, socket, engine = "--addr", "--builder", "BUILDKIT_HOST", "BUILDX_BUILDER", "used", "socket", "engine"
	tests := []struct {
		name    string
		origins []string // that point to a builder
		origin  Origin   // of the builder; empty: none
		addr    string
		err     string
	}{
		{name: "nothing"},
		{name: "all but a flag", origins: []string{variable, host, used, socket, engine}, origin: EnvBuilder, addr: "tcp://far:1234"},
		{name: "an address", origins: []string{addr, variable, host, socket}, origin: FlagAddr, addr: "tcp://addr:1"},
		{name: "a name", origins: []string{name, variable, host, socket}, origin: FlagBuilder, addr: "tcp://far:1234"},
		{name: "a name in the environment", origins: []string{variable, socket}, origin: EnvBuilder, addr: "tcp://far:1234"},
		{name: "an address in the environment", origins: []string{host, socket}, origin: EnvHost, addr: "tcp://host:1"},
		{name: "buildx's current builder", origins: []string{used, socket, engine}, origin: UsedBuilder, addr: "tcp://far:1234"},
		{name: "a socket", origins: []string{socket, engine}, origin: UsualSocket, addr: "unix:///buildkit/buildkitd.sock"},
		{name: "an engine", origins: []string{engine}, origin: EngineHere, addr: "docker://default"},
		{name: "two flags", origins: []string{addr, name}, err: "--addr and --builder name two builders: give one of them"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			has := func(what, value string) string {
				if slices.Contains(tt.origins, what) {
					return value
				}
				return ""
			}
			dir := t.TempDir()
			put(t, dir, remote)
			t.Setenv("BUILDX_CONFIG", dir)
			t.Setenv("BUILDKIT_HOST", has(host, "tcp://host:1"))
			t.Setenv("BUILDX_BUILDER", has(variable, "far"))
			t.Setenv("XDG_RUNTIME_DIR", dir)
			if has(used, "x") != "" {
				use(t, dir, "far", "")
			}
			if has(socket, "x") != "" {
				listen(t, filepath.Join(dir, "buildkit", "buildkitd.sock"))
			}
			if has(engine, "x") != "" {
				t.Setenv("DOCKER_HOST", serveEngine(t))
			}
			o := Options{Address: Address{Addr: has(addr, "tcp://addr:1"), ServerName: "flag's"}, Name: has(name, "far")}
			got, err := o.Find()
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || got.Origin != tt.origin || strings.Replace(got.Addr, dir, "", 1) != tt.addr || got.ServerName != "flag's" {
				t.Errorf("got %+v, %v", got, err)
			}
			if byName := got.byName(); byName != (got.CACert == "/ca.pem") {
				t.Errorf("buildx's own TLS files: %+v", got)
			}
			all := slices.DeleteFunc(o.Candidates(), func(c Candidate) bool { return c.Problem != "" })
			if len(all) != len(tt.origins) || len(all) > 0 && all[0] != got.Candidate {
				t.Errorf("the candidates are %+v, the choice is %+v", all, got.Candidate)
			}
		})
	}
}

// TestAddresses: an address needs a scheme that BuildKit's client knows. The error names the flag or the variable.
func TestAddresses(t *testing.T) {
	t.Setenv("BUILDX_BUILDER", "")
	for _, tt := range []struct {
		addr  string
		valid bool
	}{
		{"unix:///run/x.sock", true}, {"tcp://a:1", true}, {"docker-container://x", true}, {"kube-pod://x?namespace=y", true},
		{"podman-container://x", true}, {"nerdctl-container://x", true}, {"ssh://user@host", true},
		{"docker://", true}, {"docker://default", true},
		{"foo", false}, {"foo://x", false}, {"/run/x.sock", false}, {"tcp://", false}, {"a:1", false}, {"tcp:/a:1", false},
	} {
		for origin, o := range map[Origin]Options{FlagAddr: {Address: Address{Addr: tt.addr}}, EnvHost: {}} {
			t.Setenv("BUILDKIT_HOST", tt.addr)
			want := fmt.Sprintf("invalid %s %q: must be docker://, or begin with unix://, tcp://, docker-container://", origin, tt.addr)
			if got, err := o.Named(); tt.valid != (err == nil) || got.Addr != tt.addr || err != nil && !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s %s: got %+v, %v", origin, tt.addr, got, err)
			}
		}
	}
}

// TestNamed: Named ignores sockets. Its error says which flag or variable names a builder that cannot be used.
func TestNamed(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("BUILDX_CONFIG", dir)
	t.Setenv("BUILDKIT_HOST", "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	listen(t, filepath.Join(dir, "buildkit", "buildkitd.sock"))
	if got, err := (Options{}).Named(); err != nil || got.Addr != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, o := range []Options{{Name: "gone"}, {}} {
		t.Setenv("BUILDX_BUILDER", "gone")
		origin := EnvBuilder
		if o.Name != "" {
			origin = FlagBuilder
		}
		if _, err := o.Named(); err == nil || !strings.HasPrefix(err.Error(), string(origin)+`: no builder "gone"`) {
			t.Errorf("got %v", err)
		}
	}
}

func listen(t *testing.T, socket string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(socket), 0o700); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
}

// serveEngine serves the part of a Docker engine's API that tells that it is there, and returns its DOCKER_HOST.
func serveEngine(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.52")
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http", "tcp", 1)
}

// use writes what docker buildx use writes: a builder for the engine of an endpoint; "" is all engines.
func use(t *testing.T, dir, name, endpoint string) {
	t.Helper()
	text := fmt.Sprintf(`{"Key":%q,"Name":%q,"Global":%t}`, endpoint, name, endpoint == "")
	if err := os.WriteFile(filepath.Join(dir, "current"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUsedBuilder: buildx's current builder counts for the engine that it was chosen for, while it exists.
func TestUsedBuilder(t *testing.T) {
	const here = "unix:///nowhere/docker.sock"
	for _, tt := range []struct{ name, builder, endpoint, want string }{
		{"for all engines", "far", "", "far"},
		{"for this engine", "far", here, "far"},
		{"for another engine", "far", "tcp://other:1", ""},
		{"removed since", "gone", here, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, remote)
			t.Setenv("BUILDX_CONFIG", dir)
			use(t, dir, tt.builder, tt.endpoint)
			if got := usedBuilder(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestEngineWithoutAnswer: an engine that the user has chosen and that does not answer is passed over with a note, not silently.
func TestEngineWithoutAnswer(t *testing.T) {
	t.Setenv("BUILDX_CONFIG", t.TempDir())
	t.Setenv("BUILDX_BUILDER", "")
	t.Setenv("BUILDKIT_HOST", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	got, err := Options{}.Find()
	if err != nil || got.Addr != "" || !strings.Contains(got.Note, "the Docker engine is passed over: context default does not answer: ") {
		t.Errorf("got %+v, %v", got, err)
	}
}
