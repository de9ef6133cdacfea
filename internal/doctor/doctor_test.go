package doctor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// TestCredentials: registries and helpers are shown, secrets are not.
func TestCredentials(t *testing.T) {
	tests := []struct {
		name   string
		config string // "" for no file
		want   []string
	}{
		{name: "no file", want: []string{"note credentials"}},
		{name: "an empty one", config: "{}", want: []string{"ok credentials no registries"}},
		{
			name: "registries", config: `{"auths": {"b.example": {"auth": "dXNlcjpzZWNyZXQ="}, "a.example": {}}}`,
			want: []string{"ok credentials a.example, b.example"},
		},
		{
			name: "helpers", config: `{"credsStore": "absent", "credHelpers": {"b.example": "here", "a.example": "here"}}`,
			want: []string{
				"ok credentials no registries", "missing credential helper docker-credential-absent for all other registries",
				"ok credential helper docker-credential-here for a.example, b.example",
			},
		},
		{name: "broken", config: `{"auths": `, want: []string{"missing credentials"}},
	}
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "docker-credential-here"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("DOCKER_CONFIG", dir)
			file := filepath.Join(dir, "config.json")
			if test.config != "" {
				if err := os.WriteFile(file, []byte(test.config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			findings := credentials(path)
			if len(findings) != len(test.want) {
				t.Fatalf("got %+v, want %q", findings, test.want)
			}
			for i, c := range findings {
				got := strings.Join([]string{string(c.Status), c.Name, strings.TrimPrefix(c.Found, file+": ")}, " ")
				if !strings.HasPrefix(got, test.want[i]) {
					t.Errorf("got %q, want %q", got, test.want[i])
				}
				if text := c.Found + c.Hint; strings.Contains(text, "secret") || strings.Contains(text, "dXNlcj") {
					t.Errorf("a secret is shown: %s", text)
				}
			}
		})
	}
}

// TestPrivateNeeds: a need that is not met is missing, or a note if another builder is used.
func TestPrivateNeeds(t *testing.T) {
	t.Setenv(embedded.BuildkitdEnv, "/nowhere/buildkitd")
	for _, status := range []Status{Missing, Note} {
		findings, err := privateNeeds(embedded.Options{}, status)
		if err == nil || !strings.Contains(err.Error(), "buildkitd") {
			t.Errorf("got %v", err)
		}
		i := slices.IndexFunc(findings, func(f Finding) bool { return f.Name == "buildkitd" })
		if i < 0 || findings[i].Status != status || !strings.Contains(findings[i].Hint, "/nowhere/buildkitd") {
			t.Errorf("got %+v", findings)
		}
	}
}

// unused returns an address at which nothing listens.
func unused(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestRun has a builder and a repository that cannot be reached: the report has a finding and an error for each.
func TestRun(t *testing.T) {
	t.Setenv(embedded.HomeEnv, t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	addr := unused(t)
	_, port, _ := net.SplitHostPort(unused(t))
	t.Setenv(embedded.PortEnv, port)
	var o Options
	o.Builder.Address.Addr = "unix:///nowhere.sock"
	o.Destination.Repository = addr + "/team/runtime"
	report := Run(t.Context(), o)
	var builder *solve.BuilderError
	var push *PushError
	if !errors.As(report.Builder, &builder) || !errors.As(report.Repository, &push) {
		t.Errorf("got %v and %v", report.Builder, report.Repository)
	}
	want := map[string]Status{"builder": Missing, "private registry": OK, "repository": Missing, "credentials": Note}
	for _, f := range report.Findings {
		if status, ok := want[f.Name]; ok && f.Status != status {
			t.Errorf("got %+v, want %s", f, status)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		t.Errorf("not checked: %v", want)
	}
}
