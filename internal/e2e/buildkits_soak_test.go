//go:build soak

package e2e

import (
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// TestSoakBuildKits compares the daemons of all modules in hack/buildkit, the current one, and one compiled by Go 1.27. That Go
// compresses gzip differently, as docs/concepts.md says, but not zstd.
func TestSoakBuildKits(t *testing.T) {
	all := []daemon{{name: "newest", binary: env.Buildkitd}}
	for _, name := range must(testenv.BuildKits(t.Context()))(t) {
		all = append(all, buildkitd(t, name))
	}
	other := buildkitd(t, "0.30", "GOTOOLCHAIN=go1.27.0")
	other.otherGzip = true
	sameDigestOn(t, append(all, other))
}
