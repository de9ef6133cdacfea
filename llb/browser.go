package llb

import (
	"fmt"

	"github.com/moby/buildkit/client/llb"
)

const (
	browsersDir = "/opt/playwright-browsers"

	// playwrightHost is where Playwright's browsers are. It tries other hosts, too, unless it is told one.
	playwrightHost = "https://cdn.playwright.dev/dbazure/download/playwright"
)

// playwrightPins lists Playwright and what it needs as poetry.lock pins them, in pip's form.
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

// Browser is Playwright's Chromium. Its build belongs to the version of Playwright, so that is read from poetry.lock, and the
// browser is fetched while the other dependencies are installed.
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
	layer := Layer{Stage: StageDeps, Name: "add Playwright's Chromium", Field: "components", draw: merged(func(at canvas) llb.State {
		return g.made(at.begin, StageDeps, "install Playwright's Chromium", browsersDir, script,
			llb.AddMount(inputs, g.lockFiles(), llb.Readonly),
			g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
			secretFile("/etc/pip.conf", SecretPipConf))
	})}
	return Layers{layer.fetching(g.endpoints(PyPI, PyPIFiles, playwrightHost)...)}, nil
}
