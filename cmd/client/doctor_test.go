package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

func TestDoctorFailsByExitCode(t *testing.T) {
	t.Setenv(embedded.HomeEnv, t.TempDir())
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	tests := []struct {
		name string
		args []string
		code int
		text string // of the output
	}{
		{"a builder that nobody runs", []string{"--addr", "unix:///nowhere.sock"}, exitBuilder, "/nowhere.sock"},
		{"an unknown format", []string{"--format", "xml"}, exitUsage, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := command(t, append([]string{"doctor", "--format", "json"}, test.args...)...)
			if err == nil || exitCode(err) != test.code {
				t.Errorf("got %v", err)
			}
			if !strings.Contains(out, test.text) {
				t.Errorf("%q is not in %s", test.text, out)
			}
			if out != "" && !json.Valid([]byte(out)) {
				t.Errorf("no JSON: %s", out)
			}
		})
	}
}

func TestDoctorExaminesARealBuilder(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	addr, served := privateBuilder(ctx, t)
	got := mustCommand(t, "doctor", "--addr", addr)
	for _, want := range []string{`ok +builder +unix://.* snapshotter `, `ok +merge and diff +supported\n`} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	unserved := fmt.Sprintf("127.0.0.1:%d/team/runtime", freePort(t))
	if out, err := command(t, "doctor", "--addr", addr, "--repository", unserved); exitCode(err) != exitRegistry || !strings.Contains(out, "missing  repository") {
		t.Errorf("got %v and\n%s", err, out)
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

// realBuildkitd is the one that is named, or the one that rtbuild installs.
func realBuildkitd(t *testing.T) string {
	t.Helper()
	if path := os.Getenv(embedded.BuildkitdEnv); path != "" {
		return path
	}
	path, err := testenv.Buildkitd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return path
}
