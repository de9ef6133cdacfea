package llb

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

const (
	browsersDir = "/opt/playwright-browsers"

	// playwrightHost is where Playwright fetches browsers. Unless it is given a host, it tries others, too.
	playwrightHost = "https://cdn.playwright.dev/dbazure/download/playwright"
)

// Browser installs Playwright's Chromium. Playwright's version decides the browser's build, so the step reads it from the lock file. It
// runs again only if that version changes, and does not wait for the packages of system.
type Browser struct{ Lock PoetryLock }

func (b Browser) layers(g *Graph) (Layers, error) {
	d := b.Lock.deps(g)
	script := d.environment(false) + fmt.Sprintf(`if ! [ -e %[1]s/hashed.txt ]; then
  echo "the lock file has no playwright, whose browser is to be installed: turn it off with components: {browser: false}" >&2
  exit 1
fi
"$UV" pip install --quiet --python python3 --target /tmp/playwright --no-deps --no-build --require-hashes --requirements %[1]s/hashed.txt
export PYTHONPATH=/tmp/playwright PLAYWRIGHT_BROWSERS_PATH=%[2]s PLAYWRIGHT_DOWNLOAD_HOST=%[3]s
python3 -m playwright install chromium
rm -rf %[2]s/.links
chmod -R 755 %[2]s
unset PYTHONPATH
python3 -I %[4]s/python_install.py compile --home %[2]s --bytecode none
`, resolvedDir, browsersDir, shellQuote(g.mirrored(playwrightHost)), programsDir)
	layer := Layer{Stage: StageDeps, Name: "add Playwright's Chromium", Field: "components", batch: "browser", upper: func(at layerInput) llb.State {
		return g.captureDir(d.root(at), StageDeps, "install Playwright's Chromium", browsersDir, script,
			append(d.withUV(at, false), llb.ReadonlyRootFS(), b.Lock.resolvedMount(g, at, "pins", resolvedDir))...)
	}}
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles, playwrightHost)...)}, nil
}
