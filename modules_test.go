// Package rtbuild_test holds the tests of the repository itself: its modules, its documents, its shape.
package rtbuild_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestToolModules: the programs in hack/tools that contain BuildKit contain the BuildKit that rtbuild is made with. The modules
// of hack/buildkit are other versions on purpose.
func TestToolModules(t *testing.T) {
	const buildKit = "github.com/moby/buildkit"
	want := moduleVersion(t, ".", buildKit)
	for _, module := range []string{"buildkit", "buildx"} {
		if got := moduleVersion(t, filepath.Join("hack", "tools", module), buildKit); got != want {
			t.Errorf("hack/tools/%s is on BuildKit %s, rtbuild on %s: run go -C hack/tools/%[1]s get %[4]s@%[3]s", module, got, want, buildKit)
		}
	}
}

// moduleVersion is the version of a dependency in a module.
func moduleVersion(t *testing.T, dir, dependency string) string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", dependency)
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s in %s: %v", list, dir, err)
	}
	return strings.TrimSpace(string(out))
}
