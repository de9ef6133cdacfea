package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
)

func TestDoctorShowsCredentialsWithoutSecrets(t *testing.T) {
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
			checks := checkCredentials(path)
			if len(checks) != len(test.want) {
				t.Fatalf("got %+v, want %q", checks, test.want)
			}
			for i, c := range checks {
				got := strings.Join([]string{c.Status, c.Name, strings.TrimPrefix(c.Found, file+": ")}, " ")
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

func TestDoctorSaysWhatThePrivateBuilderLacks(t *testing.T) {
	t.Setenv(embedded.BuildkitdEnv, "/nowhere/buildkitd")
	for _, status := range []string{checkMissing, checkNote} {
		checks, err := checkNeeds(status)
		if err == nil || !strings.Contains(err.Error(), "buildkitd") {
			t.Errorf("got %v", err)
		}
		i := slices.IndexFunc(checks, func(c check) bool { return c.Name == "buildkitd" })
		if i < 0 || checks[i].Status != status || !strings.Contains(checks[i].Hint, "/nowhere/buildkitd") {
			t.Errorf("got %+v", checks)
		}
	}
}

func TestDoctorFailsByExitCode(t *testing.T) {
	t.Setenv(embedded.HomeEnv, t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	tests := []struct {
		name string
		set  func(*doctorOptions)
		code int
		text string // of the output
	}{
		{"a builder that nobody runs", func(o *doctorOptions) { o.place.address.Addr = "unix:///nowhere.sock" }, exitBuilder, "/nowhere.sock"},
		{"an unknown format", func(o *doctorOptions) { o.format = "xml" }, exitUsage, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := &doctorOptions{format: "json"}
			test.set(o)
			var out bytes.Buffer
			err := runDoctor(t.Context(), &out, o)
			if err == nil || exitCode(err) != test.code {
				t.Errorf("got %v", err)
			}
			if !strings.Contains(out.String(), test.text) {
				t.Errorf("%q is not in %s", test.text, out.String())
			}
			if out.Len() > 0 && !json.Valid(out.Bytes()) {
				t.Errorf("no JSON: %s", out.String())
			}
		})
	}
}

func TestDoctorChecksTheRepository(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	o := &doctorOptions{repository: addr + "/team/runtime"}
	checks, err := o.checkRepository(t.Context())
	if exitCode(err) != exitRegistry || len(checks) != 1 || checks[0].Status != checkMissing {
		t.Errorf("got %+v, %v", checks, err)
	}
}

func TestDoctorExaminesARealBuilder(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	addr, served := privateBuilder(ctx, t)
	checks, err := examine(ctx, "builder", builders.Address{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range []string{"snapshotter ", "supported"} {
		if len(checks) != 2 || checks[i].Status != checkOK || !strings.Contains(checks[i].Found, part) {
			t.Errorf("got %+v", checks)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// privateBuilder runs the private pair in this process until ctx ends.
func privateBuilder(ctx context.Context, t *testing.T) (addr string, served <-chan error) {
	t.Helper()
	lines := make(chan string, 10)
	options := embedded.Options{
		Dir: t.TempDir(), Port: freePort(t), Buildkitd: realBuildkitd(t), Handler: registry.Handler,
		Log: func(line string) { lines <- line },
	}
	done := make(chan error, 1)
	go func() { done <- embedded.Serve(ctx, options) }()
	for {
		select {
		case line := <-lines:
			if addr, ok := strings.CutPrefix(line, "buildkitd on "); ok {
				return addr, done
			}
		case <-ctx.Done():
			t.Fatal("no builder")
		case err := <-done:
			t.Fatal(err)
		}
	}
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

// realBuildkitd is the one that is named, or one built from our module's requirements and kept.
func realBuildkitd(t *testing.T) string {
	t.Helper()
	if path := os.Getenv(embedded.BuildkitdEnv); path != "" {
		return path
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, "rtbuild-test", "embedded", "buildkitd")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/moby/buildkit/cmd/buildkitd").CombinedOutput(); err != nil {
		t.Fatalf("building buildkitd: %v\n%s", err, out)
	}
	return path
}
