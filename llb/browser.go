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

// browser is Playwright's Chromium. Its build belongs to the version of Playwright, so that is read from poetry.lock, and the
// browser is fetched while the other dependencies are installed.
func (g *Graph) browser() Layer {
	script := fmt.Sprintf(`python=%[1]s/envs/%[2]s/bin/python
%[3]s"$python" /tmp/pins.py %[4]s/poetry.lock > /tmp/requirements.txt
VIRTUALENV_OVERRIDE_APP_DATA=/tmp/virtualenv "$python" -m virtualenv --quiet /tmp/venv # comes with poetry, and is faster than venv
%[5]s%[8]s/tmp/venv/bin/python -m pip install --quiet --no-deps --require-hashes -r /tmp/requirements.txt
export PLAYWRIGHT_BROWSERS_PATH=%[6]s PLAYWRIGHT_DOWNLOAD_HOST=%[7]s
/tmp/venv/bin/python -m playwright install chromium
rm -rf %[6]s/.links
chmod -R 755 %[6]s
`, shellQuote(g.mambaRoot()), environment, writeFile("/tmp/pins.py", playwrightPins), inputs, g.pipIndex(), browsersDir,
		shellQuote(g.mirrored(playwrightHost)), pipCache)
	layer := Layer{Stage: "deps", Name: "add Playwright's Chromium", Field: "components", add: func(s, begin llb.State, opts ...llb.ConstraintsOpt) llb.State {
		made := g.made(begin, "deps", "install Playwright's Chromium", browsersDir, script,
			llb.AddMount(inputs, g.lockFiles(), llb.Readonly),
			g.cache("/var/cache/pip", llb.CacheMountShared, "pip"),
			secretFile("/etc/pip.conf", SecretPipConf))
		return merge(made)(s, begin, opts...)
	}}
	return layer.contacting(g.contacts(PyPI, PyPIFiles, playwrightHost)...)
}
