package llb_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

// TestValuesReachShellsQuoted gives every value of a file, a flag or a base a form that a shell would run. Quoted it is another text,
// since it holds quotes itself: so where it stands as it is, it stands unquoted.
func TestValuesReachShellsQuoted(t *testing.T) {
	const evil = "x'$(touch /tmp/pwned)`id`;id\n\"$(id)\" 'EOF\nEOF\nid\n"
	for _, manager := range []string{"npm", "pip", "poetry", "uv", "openhands"} {
		t.Run(manager, func(t *testing.T) {
			r := node()
			r.Installer = map[string]llb.Installer{"npm": llb.NPM{}, "pip": llb.Pip{Requirements: evil}, "poetry": llb.Poetry{}, "uv": llb.UVSync{}}[manager]
			r.Interpreter = llb.Interpreter{Name: "python"}
			if manager == "openhands" {
				r = openhands(all...)
				r.Interpreter.Version, r.Path = evil, []string{evil}
			}
			r.Prefix, r.User.Name, r.Env = "/"+evil, evil, map[string]string{"A": evil, "B": "x' $(id) `id`"}
			r.Packages = []llb.Packages{{"": {evil}}}
			r.Mirrors = map[string]string{}
			for _, from := range []string{
				"https://pypi.org", "https://registry.yarnpkg.com", "https://conda.anaconda.org", "https://cdn.playwright.dev", "http://deb.debian.org",
			} {
				r.Mirrors[from] = "https://mirror.example/" + evil
			}
			g := graph(r)
			g.Distro.Release = evil
			g.Base.PackageSources = []string{"http://deb.debian.org/debian"}
			held := 0
			for _, script := range scripts(t, g) {
				if strings.Contains(script, "touch /tmp/pwned") {
					held++
				}
				if strings.Contains(script, evil) || strings.Contains(script, r.Env["B"]+"\n") {
					t.Errorf("a value is not quoted:\n%s", script)
				}
				if out, err := exec.Command("/bin/sh", "-n", "-c", script).CombinedOutput(); err != nil {
					t.Errorf("no script: %v: %s\n%s", err, out, script)
				}
			}
			if held < 3 {
				t.Errorf("%d scripts hold the value", held)
			}
		})
	}
}

func TestFailedStep(t *testing.T) {
	for text, want := range map[string]string{
		`process "/bin/sh /tmp/.rtbuild/npm-ci" did not complete successfully: exit code: 1`: "npm-ci",
		`process "/bin/sh -c true" did not complete successfully: exit code: 1`:              "",
	} {
		if got := llb.FailedStep(text); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	commands := map[string]string{"npm ci": "npm-ci", "a && b > /c # d": "a-b-c-d", "...": "step", strings.Repeat("ab ", 40): strings.TrimSuffix(strings.Repeat("ab-", 20), "-")}
	for command, want := range commands {
		g := graph(node())
		g.Runtime.Extra = command
		state, _ := draw(t, g, onLock)
		if text := describe(t, state); !strings.Contains(text, `"/tmp/.rtbuild/`+want+`"`) {
			t.Errorf("the script of %q is not %s", command, want)
		}
	}
}

// TestPatchPackageRunsOnWhatIsInstalled: patches are applied after npm ci, and before the packages are distributed to their layers.
func TestPatchPackageRunsOnWhatIsInstalled(t *testing.T) {
	for _, patched := range []bool{false, true} {
		r := node()
		r.Installer = llb.NPM{PatchPackage: patched}
		for _, script := range scripts(t, graph(r)) {
			install, at, parts := strings.Index(script, "npm ci"), strings.Index(script, "node_modules/.bin/patch-package --error-on-fail\n"), strings.Index(script, "node_parts.js")
			if install >= 0 && ((at >= 0) != patched || patched && (at < install || at > parts)) {
				t.Errorf("patched: %t, script:\n%s", patched, script)
			}
		}
	}
}
