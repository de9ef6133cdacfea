package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

// daemon is a buildkitd of some version.
type daemon struct {
	name, binary string
	otherGzip    bool // its Go compresses gzip to other bytes than the releases of BuildKit do
}

// start runs the daemon with an empty state.
func (d daemon) start(t *testing.T) *testenv.Builder {
	t.Helper()
	b := must(testenv.StartBuilder(context.Background(), d.binary, t.TempDir(), testenv.BuilderOptions{}))(t)
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// buildkitd builds the daemon of hack/buildkit/NAME.
func buildkitd(t *testing.T, name string, goEnv ...string) daemon {
	t.Helper()
	bin := filepath.Join(must(testenv.CacheDir())(t), "bin")
	return daemon{name: strings.Join(append([]string{name}, goEnv...), "-"), binary: must(testenv.BuildBuildKit(t.Context(), name, bin, goEnv...))(t)}
}

// daemons are BuildKits from the oldest to the newest: the oldest, v0.30 (the first that knows compatibility versions, and only
// those up to 20), and ours. TestSoakBuildKits has them all.
func daemons(t *testing.T) []daemon {
	t.Helper()
	return []daemon{buildkitd(t, "0.19"), buildkitd(t, "0.30"), {name: "newest", binary: env.Buildkitd}}
}

// TestBuildKitModules: the oldest daemon that is tested is the oldest that builds accept, and each module pins what its
// directory says.
func TestBuildKitModules(t *testing.T) {
	names := must(testenv.BuildKits(t.Context()))(t)
	if oldest := must(testenv.BuildKitVersion(t.Context(), names[0]))(t); oldest != build.OldestBuildKit {
		t.Errorf("hack/buildkit begins with %s, builds accept %s", oldest, build.OldestBuildKit)
	}
	for _, name := range names {
		if version := must(testenv.BuildKitVersion(t.Context(), name))(t); !strings.HasPrefix(version, "v"+name+".") {
			t.Errorf("hack/buildkit/%s pins %s", name, version)
		}
	}
}
