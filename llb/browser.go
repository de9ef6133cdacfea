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

// playwrightPins is a program that prints Playwright and its dependencies as poetry.lock pins them, as requirements for pip.
const playwrightPins = `import sys, tomllib
locked = {p["name"]: p for p in tomllib.load(open(sys.argv[1], "rb"))["package"]}
if "playwright" not in locked:
    sys.exit("poetry.lock has no playwright, whose browser is to be installed: turn it off with components: {browser: false}, or --no-browser")
todo, seen = ["playwright"], set()
while todo:
    name = todo.pop()
    if name in seen or name not in locked:
        continue
    seen.add(name)
    p = locked[name]
    print(name + "==" + p["version"], *["--hash=" + f["hash"] for f in p["files"]])
    todo += [n.lower().replace("_", "-").replace(".", "-") for n in p.get("dependencies", {})]
`

// Browser installs Playwright's Chromium. Playwright's version decides the browser's build, so the step reads it from poetry.lock. It runs
// in parallel with the installation of the other dependencies.
type Browser struct{ Conda Conda }

func (b Browser) layers(g *Graph) (Layers, error) {
	script := fmt.Sprintf(`python=%[1]s/bin/python
%[2]s"$python" /tmp/pins.py %[3]s/poetry.lock > /tmp/requirements.txt
VIRTUALENV_OVERRIDE_APP_DATA=/tmp/virtualenv "$python" -m virtualenv --quiet /tmp/venv # comes with poetry, and is faster than venv
%[4]s%[7]s/tmp/venv/bin/python -m pip install --quiet --no-deps --require-hashes -r /tmp/requirements.txt
export PLAYWRIGHT_BROWSERS_PATH=%[5]s PLAYWRIGHT_DOWNLOAD_HOST=%[6]s
/tmp/venv/bin/python -m playwright install chromium
rm -rf %[5]s/.links
chmod -R 755 %[5]s
`, shellQuote(b.Conda.dir(g.Runtime)), writeFile("/tmp/pins.py", playwrightPins), inputs, g.pipIndex(), browsersDir,
		shellQuote(g.mirrored(playwrightHost)), pipCache)
	layer := Layer{Stage: StageDeps, Name: "add Playwright's Chromium", Field: "components", draw: merged(func(at layerInput) llb.State {
		return g.captureDir(at.stageStart, StageDeps, "install Playwright's Chromium", browsersDir, script,
			llb.AddMount(inputs, g.lockFiles(), llb.Readonly),
			g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
			secretFile("/etc/pip.conf", SecretPipConf))
	})}
	return Layers{layer.withEndpoints(g.endpoints(PyPI, PyPIFiles, playwrightHost)...)}, nil
}
