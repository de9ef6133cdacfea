package llb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNPMRunsNoOwnScripts runs the real npm, which needs no network here: the project depends on a directory and an archive of its own.
func TestNPMRunsNoOwnScripts(t *testing.T) {
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("npm is not installed")
	}
	program, err := filepath.Abs("npm_scripts.js")
	if err != nil {
		t.Fatal(err)
	}
	dir, home := t.TempDir(), t.TempDir()
	const root = "\uFEFF{\"name\": \"agent\", \"version\": \"1.0.0\", \"scripts\": {\"prepare\": \"false\", \"postinstall\": \"false\", \"start\": \"true\"},\n" +
		`"dependencies": {"tool": "file:tool", "dep": "file:vendor/dep.tgz"}}`
	const tool = `{"name": "tool", "version": "1.0.0", "bin": {"tool": "dist/cli.js"}, "scripts": {"install": "false", "prepare": "false"}}`
	const settings = "//registry.example.com/:_authToken=${TOKEN}\nlegacy-peer-deps=true\n"
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(script string) string {
		t.Helper()
		cmd := exec.Command("/bin/sh", "-ec", script)
		cmd.Dir, cmd.Env = dir, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "PROGRAM=" + program, "npm_config_update_notifier=false"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	write("dep/package.json", `{"name": "dep", "version": "1.0.0", "scripts": {"postinstall": "echo ran > ran"}}`)
	write("package.json", root)
	write("tool/package.json", tool)
	write(".npmrc", settings)
	run("cd dep; npm pack --silent; mkdir ../vendor; mv dep-1.0.0.tgz ../vendor/dep.tgz; cd ..; rm -r dep\n" +
		"npm install --package-lock-only --ignore-scripts --no-audit --offline")
	run(`node $PROGRAM hide "$HOME/kept"; npm ci --offline --no-audit --no-fund; node $PROGRAM restore "$HOME/kept"`)
	for file, want := range map[string]string{"package.json": root, "tool/package.json": tool, ".npmrc": settings, "node_modules/dep/ran": "ran\n"} {
		if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != want {
			t.Errorf("%s: %v: %s", file, err, got)
		}
	}
	if got := strings.TrimSpace(run("readlink node_modules/.bin/tool; ls tool")); got != "../tool/dist/cli.js\npackage.json" {
		t.Errorf("the program and its directory: %s", got)
	}
}
