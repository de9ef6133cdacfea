package e2e

import (
	"runtime"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// TestForeignDepsImage enters on an image like those of the original: without labels, and with an older source. The build must
// replace the source without pulling the image.
func TestForeignDepsImage(t *testing.T) {
	p := &project{dir: t.TempDir(), repository: env.registry.Host + "/foreign"}
	write(t, p.dir, "pyproject.toml", "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"0.16.1\"\n")
	write(t, p.dir, "poetry.lock", "# nothing\n")
	write(t, p.dir, "openhands/__init__.py", "x = 1\n")
	write(t, p.dir, "openhands/new.py", "y = 1\n")
	write(t, p.dir, "openhands/README.md", "hashed, not copied\n")
	old := layerOf(t, map[string]string{
		"openhands/code/openhands/__init__.py": "x = 0\n", "openhands/code/openhands/stale.py": "z = 1\n",
		"openhands/code/poetry.lock": "# nothing\n", "openhands/code/pyproject.toml": "", "openhands/poetry/kept": "kept\n",
	})
	// This layer is large enough to reveal a pull.
	big := layerOf(t, map[string]string{"big": strings.Repeat("x", 8<<20)})
	config := ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH}}
	made := p.plan(t)
	if _, err := env.registry.PushImage(t.Context(), "foreign", made.Lock, config, big, old); err != nil {
		t.Fatal(err)
	}
	if made = p.plan(t); made.Variant != "lock" || len(made.Notes) == 0 {
		t.Fatalf("the plan is %+v", made)
	}
	builder := freshBuilder(t, testenv.BuilderOptions{})
	env.registry.Traffic()
	p.solve(t, "--addr", builder.Addr)
	if pulled, _, _ := env.registry.Traffic(); pulled > 1<<20 {
		t.Errorf("%d bytes pulled", pulled)
	}
	files := tree(t, made.Images.Source)
	for name, want := range map[string]bool{
		"/openhands/code/openhands/stale.py": false, "/openhands/code/openhands/README.md": false,
		"/openhands/code/openhands/new.py": true, "/openhands/code/openhands/__init__.py": true,
		"/openhands/poetry/kept": true, "/openhands/code/poetry.lock": true, "/big": true,
	} {
		if _, got := files[name]; got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
}
