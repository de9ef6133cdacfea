package lint

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps the package fit for the frontend image: it is small, and knows nothing of the client.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatalf("listing the imports: %v", err)
	}
	known := map[string]bool{
		"github.com/rtbuild/rtbuild/internal/profile": true, "github.com/rtbuild/rtbuild/internal/projectfile": true, "github.com/rtbuild/rtbuild/internal/runtimefile": true, "github.com/rtbuild/rtbuild/internal/redact": true, "github.com/moby/patternmatcher": true, "github.com/moby/patternmatcher/ignorefile": true,
		"github.com/moby/buildkit/solver/errdefs": true, "github.com/moby/buildkit/solver/pb": true,
	}
	for _, path := range strings.Fields(string(out)) {
		if strings.Contains(path, ".") && !known[path] {
			t.Errorf("lint imports %s", path)
		}
	}
}
