package tags

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestImports is the rule that what computes names depends on nothing that builds, pushes, or reads flags; and that
// nothing under cmd or internal is needed for it.
func TestImports(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	must(t, err)
	deps := strings.Fields(string(out))
	forbidden := regexp.MustCompile(`^github\.com/(moby/buildkit|containerd|spf13|docker|tonistiigi)/|^google\.golang\.org/|^net/http$|` +
		`^github\.com/rtbuild/rtbuild/(cmd|internal|llb)/?`)
	for _, d := range deps {
		if forbidden.MatchString(d) {
			t.Errorf("tags depends on %s", d)
		}
	}
	if len(deps) < 10 {
		t.Errorf("only %d dependencies were listed", len(deps))
	}
}
