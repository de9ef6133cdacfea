package e2e

import "testing"

// TestNPMWithoutProject installs the dependencies of a project whose own scripts and programs need its source. Then it follows the hint
// of ScriptsLeftOut.
func TestNPMWithoutProject(t *testing.T) {
	t.Parallel()
	p := small(t)
	const code = "/agent/code/"
	write(t, p.dir, "package.json", `{"name":"small","version":"1.0.0","scripts":{"postinstall":"node server.js > ran"},"dependencies":{"is-number":"7.0.0","tool":"file:tool"}}`)
	write(t, p.dir, "tool/package.json", `{"name":"tool","version":"1.0.0","bin":{"tool":"cli.js"},"scripts":{"prepare":"node cli.js"}}`)
	write(t, p.dir, "tool/cli.js", "#!/usr/bin/env node\n")
	write(t, p.dir, ".npmrc", "//registry.example.com/:_authToken=${TOKEN}\n")
	write(t, p.dir, "package-lock.json", `{"name":"small","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
"":{"name":"small","version":"1.0.0","dependencies":{"is-number":"7.0.0","tool":"file:tool"}},
"tool":{"version":"1.0.0","hasInstallScript":true,"bin":{"tool":"cli.js"}},
"node_modules/is-number":{"version":"7.0.0","integrity":"`+isNumber7+`","license":"MIT","engines":{"node":">=0.12.0"}},
"node_modules/tool":{"resolved":"tool","link":true}}}
`)
	p.solve(t)
	built := tree(t, p.plan(t).Images.Source)
	for name, want := range map[string]bool{
		"ran": false, "node_modules/is-number/package.json": true, "node_modules/.bin/tool": true, "tool/cli.js": true,
	} {
		if _, found := built[code+name]; found != want {
			t.Errorf("%s: found: %t", name, found)
		}
	}
	const hint = "npm run postinstall"
	p.solve(t, "--extra-deps", hint)
	if _, ran := tree(t, p.plan(t, "--extra-deps", hint).Images.Source)[code+"ran"]; !ran {
		t.Error("the script has not run")
	}
}
