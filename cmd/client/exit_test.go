package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/embedded"
)

// TestInvalidPortIsAUsageError: a wrong option or variable gives exit code 2, and a failure of the builder 4.
func TestInvalidPortIsAUsageError(t *testing.T) {
	t.Setenv(embedded.HomeEnv, t.TempDir())
	t.Setenv(embedded.PortEnv, "http")
	t.Setenv("BUILDKIT_HOST", "")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "requirements.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `invalid RTBUILD_REGISTRY_PORT "http": must be a port from 1 to 65535`
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
