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
	script := d.interpreter() + fmt.Sprintf(`export PYTHONPATH=%[1]s PLAYWRIGHT_BROWSERS_PATH=%[2]s PLAYWRIGHT_DOWNLOAD_HOST=%[3]s HOME=/tmp/home
python3 -m playwright install chromium
rm -rf %[2]s/.links
chmod -R 755 %[2]s
unset PYTHONPATH
python3 -I %[4]s/python_install.py compile --home %[2]s --bytecode none
`, playwrightDir, browsersDir, shellQuote(g.mirrored(playwrightHost)), programsDir)
	layer := Layer{Stage: StageDeps, Name: "add Playwright's Chromium", Field: "components", batch: "browser", upper: func(at layerInput) llb.State {
		return g.captureDir(d.root(at), StageDeps, "install Playwright's Chromium", browsersDir, script,
			append(d.host(at), llb.ReadonlyRootFS(), llb.AddMount(playwrightDir, b.playwright(d, at), llb.Readonly, llb.SourcePath("/playwright")))...)
	}}
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles, playwrightHost)...)}, nil
}

// playwrightDir is where the step that installs the browser finds Playwright.
const playwrightDir = "/run/rtbuild-playwright"

// playwright returns Playwright and what it needs, as the lock file pins them. The step that unpacks them runs none of their code, because
// it shares a cache with the steps that install packages.
func (b Browser) playwright(d pythonDeps, at layerInput) llb.State {
	const name = "unpack Playwright"
	script := d.environment(false) + fmt.Sprintf(`set -- %[1]s/*.txt
if ! [ -e "$1" ]; then
  echo "the lock file has no playwright, whose browser is to be installed: turn it off with components: {browser: false}" >&2
  exit 1
fi
for file in "$@"; do
  index="${file%%.txt}.index"
  if [ -e "$index" ]; then export UV_DEFAULT_INDEX="$(cat "$index")"; fi
  "$UV" pip install --quiet --python python3 --target %[2]s --no-deps --no-build --require-hashes --requirements "$file"
done
`, resolvedDir, playwrightDir)
	run := d.g.run(d.root(at), command{StageDeps, name, script, d.user()}, []llb.ConstraintsOpt{named(StageDeps, name), d.g.location("components")},
		append(d.withUV(at, false), llb.ReadonlyRootFS(), b.Lock.resolvedMount(d.g, at, "pins", resolvedDir))...)
	return d.keyed(run.AddMount(playwrightDir, d.g.emptyDir("/playwright", d.g.Owner), llb.SourcePath("/playwright")))
}
