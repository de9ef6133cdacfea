package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// unpacked is the directory of the image's unpacked file system.
type unpacked string

var ohRoot = sync.OnceValues(func() (unpacked, error) {
	dir := filepath.Join(env.dir, "openhands-root")
	return unpacked(dir), nil
})

// openhandsRoot exports the image once, and returns its file system.
func openhandsRoot(t *testing.T) unpacked {
	t.Helper()
	p := builtOpenhands(t)
	root := must(ohRoot())(t)
	if _, err := os.Stat(string(root)); err != nil {
		succeed(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "-o", string(root))...)
	}
	return root
}

// at describes a path: "drwxr-xr-x 1000:1000", with the target for a link.
func (r unpacked) at(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Lstat(filepath.Join(string(r), path))
	if err != nil {
		return "nothing"
	}
	stat := info.Sys().(*syscall.Stat_t)
	text := fmt.Sprintf("%s %d:%d", info.Mode(), stat.Uid, stat.Gid)
	if info.Mode()&fs.ModeSymlink != 0 {
		text += " -> " + must(os.Readlink(filepath.Join(string(r), path)))(t)
	}
	return text
}

func (r unpacked) read(t *testing.T, path string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(string(r), path)))(t))
}

// below lists the entries below a directory. Directories end with a slash.
func (r unpacked) below(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	top := filepath.Join(string(r), dir)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == top {
			return err
		}
		name := strings.TrimPrefix(path, top+"/")
		if d.IsDir() {
			name += "/"
		}
		names = append(names, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// lines returns a file's lines that match an expression.
func (r unpacked) lines(t *testing.T, path, expression string) []string {
	t.Helper()
	return regexp.MustCompile("(?m)"+expression).FindAllString(r.read(t, path), -1)
}

// testOpenhandsConfig checks section "Image config".
func testOpenhandsConfig(t *testing.T) {
	p := builtOpenhands(t)
	config := image(t, p.images(t).Source).Config.Config
	wantEnv := []string{
		"PATH=/openhands/bin:/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"EDITOR=code", "GIT_EDITOR=code --wait", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "MAMBA_ROOT_PREFIX=/openhands/micromamba",
		"OPENVSCODE_SERVER_ROOT=/openhands/.openvscode-server", "POETRY_VIRTUALENVS_PATH=/openhands/poetry",
		"SHOUTS=it's $HOME", "TELLS=it's on", "VISUAL=code",
	}
	if !slices.Equal(config.Env, wantEnv) {
		t.Errorf("environment %q", config.Env)
	}
	if config.WorkingDir != "/openhands/code" || config.User != "" {
		t.Errorf("working directory %q, user %q", config.WorkingDir, config.User)
	}
	if raw := string(image(t, p.images(t).Source).RawConfig()); !strings.Contains(raw, `"Shell":["/bin/bash","-c"]`) {
		t.Errorf("no shell form in %s", raw)
	}
	if !slices.Equal(config.Cmd, []string{"bash"}) {
		t.Errorf("the base's command is %q", config.Cmd)
	}
	if config.Labels["io.rtbuild.user.uid"] != "1000" || config.Labels["io.rtbuild.user.gid"] != "1000" {
		t.Errorf("labels %v", config.Labels)
	}
}

// images returns the references of the project's images.
func (p *project) images(t *testing.T) (all struct{ Lock, Versioned, Source string }) {
	t.Helper()
	var said struct {
		Images *struct{ Lock, Versioned, Source string }
	}
	said.Images = &all
	if err := json.Unmarshal([]byte(succeed(t, p.dir, p.openhandsArgs("tags", "--format", "json")...).stdout), &said); err != nil {
		t.Fatal(err)
	}
	return all
}

// testOpenhandsFiles checks the paths of sections "System" to "Source".
func testOpenhandsFiles(t *testing.T) {
	root := openhandsRoot(t)
	user, own := "1000:1000", "0:0"
	for path, want := range map[string]string{
		"/openhands":                           "drwxr-xr-x " + user,
		"/openhands/logs":                      "drwxr-xr-x " + user,
		"/openhands/poetry":                    "drwxr-xr-x " + user,
		"/openhands/workspace":                 "dgrwxrwxrwx " + user,
		"/openhands/code":                      "drwxr-xr-x " + user,
		"/openhands/micromamba":                "drwxr-xr-x " + user,
		"/openhands/bin/uv":                    "-rwxr-xr-x " + user,
		"/openhands/bin/uvx":                   "-rwxr-xr-x " + user,
		"/home/openhands/.bashrc":              "-rw-r--r-- " + user,
		"/home/openhands/.condarc":             "-rw-r--r-- " + user,
		"/opt/playwright-browsers":             "drwxr-xr-x " + own,
		"/etc/sudoers.d/openhands":             "-r--r----- " + own,
		"/etc/docker/daemon.json":              "-rw-r--r-- " + own,
		"/root/.gitconfig":                     "-rw-r--r-- " + own,
		"/home/openhands/.gitconfig":           "-rw-r--r-- " + user,
		"/openhands/micromamba/bin/micromamba": "-rwxr-xr-x " + user,
		"/openhands/.openvscode-server/bin/remote-cli/openvscode-server":    "-rwxr-xr-x " + user,
		"/openhands/.openvscode-server/bin/remote-cli/code":                 "-rwxr-xr-x " + user,
		"/openhands/.openvscode-server/extensions/openhands-hello-world":    "drwxr-xr-x " + user,
		"/openhands/.openvscode-server/extensions/openhands-memory-monitor": "drwxr-xr-x " + user,
		"/openhands/code/openhands/__init__.py":                             "-rwxrwxrwx " + user,
		"/openhands/code/openhands/agent_server.py":                         "-rw-r--r-- " + user,
		"/root/.cache/ms-playwright":                                        "Lrwxrwxrwx " + own + " -> /opt/playwright-browsers",
		"/home/openhands/.cache/ms-playwright":                              "Lrwxrwxrwx " + user + " -> /opt/playwright-browsers",
	} {
		if got := root.at(t, path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	// Poetry's installer sometimes leaves world-writable files.
	public := []string{"workspace/", "code/openhands/__init__.py"}
	for _, name := range root.below(t, "/openhands") {
		info, err := os.Lstat(filepath.Join(string(root), "openhands", name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Type() != fs.ModeSymlink && info.Mode().Perm()&0o022 != 0 && !slices.Contains(public, name) {
			t.Errorf("/openhands/%s may be written to by others: %s", name, info.Mode())
		}
	}
	for _, name := range []string{"handlebars", "pug", "json", "diff", "grunt", "ini", "npm"} {
		if got := root.at(t, "/openhands/.openvscode-server/extensions/"+name); got != "nothing" {
			t.Errorf("extension %s: %s", name, got)
		}
	}
	for _, dir := range []string{"/var/lib/apt/lists", "/var/cache/apt", "/tmp", "/var/tmp", "/run/secrets", "/var/cache/poetry", "/var/cache/conda", "/openhands/micromamba/pkgs"} {
		if got := root.at(t, dir); got == "nothing" {
			continue
		}
		for _, name := range root.below(t, dir) {
			if !strings.HasSuffix(name, "/") && filepath.Base(name) != "lock" {
				t.Errorf("%s holds %s", dir, name)
			}
		}
	}
}

// testOpenhandsTexts checks lines of system files.
func testOpenhandsTexts(t *testing.T) {
	root := openhandsRoot(t)
	interpreter := root.lines(t, "/etc/environment", `^OH_INTERPRETER_PATH=(.*)$`)
	if len(interpreter) != 1 || !strings.HasPrefix(interpreter[0], "OH_INTERPRETER_PATH=/openhands/poetry/openhands-ai-") {
		t.Errorf("interpreter %q", interpreter)
	}
	for _, test := range []struct {
		path, expression string
		want             []string
	}{
		{"/etc/passwd", `^openhands:.*$`, []string{"openhands:x:1000:1000::/home/openhands:/bin/bash"}},
		{"/etc/group", `^openhands:.*$`, []string{"openhands:x:1000:"}},
		{"/etc/group", `^sudo:.*$`, []string{"sudo:x:27:openhands"}},
		{"/etc/shadow", `^(root|openhands):[^:]*:`, []string{"root::", "openhands::"}},
		{"/etc/sudoers.d/openhands", `^.*$`, []string{"openhands ALL=(ALL) NOPASSWD:ALL", ""}},
		{"/etc/pam.d/su", `\A.*$`, []string{"auth sufficient pam_rootok.so"}},
		{"/etc/docker/daemon.json", `.+`, []string{`{"mtu": 1450}`}},
		{"/etc/apt/sources.list.d/docker.list", `.+`, []string{
			"deb [arch=" + runtime.GOARCH + " signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian trixie stable",
		}},
		{"/etc/environment", `^PLAYWRIGHT_BROWSERS_PATH=.*$`, []string{"PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers"}},
		{"/etc/environment", `^PATH=/openhands/micromamba/bin:`, []string{"PATH=/openhands/micromamba/bin:"}},
		{"/etc/bash.bashrc", `^micromamba activate .*$`, []string{"micromamba activate openhands 2>/dev/null || true"}},
		{"/root/.bashrc", `^eval .*micromamba shell hook.*$`, []string{`eval "$(/openhands/micromamba/bin/micromamba shell hook --shell bash)"`}},
		{"/home/openhands/.bashrc", `^export PLAYWRIGHT_BROWSERS_PATH=.*$`, []string{"export PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers"}},
		{"/root/.gitconfig", `\w+ = .*$`, []string{"name = openhands", "email = openhands@all-hands.dev"}},
		{"/home/openhands/.condarc", `.+`, []string{"changeps1: False"}},
		{"/openhands/micromamba/.condarc", `^  - .*$`, []string{"  - conda-forge"}},
	} {
		if got := root.lines(t, test.path, test.expression); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.path, got, test.want)
		}
	}
}

// testOpenhandsPackages checks the packages of section "System".
func testOpenhandsPackages(t *testing.T) {
	root := openhandsRoot(t)
	installed := root.lines(t, "/var/lib/dpkg/status", `^Package: .*$`)
	for name := range strings.FieldsSeq("wget curl ca-certificates sudo apt-utils git jq tmux build-essential ripgrep ffmpeg coreutils util-linux procps " +
		"findutils grep sed libasound2-plugins libatomic1 libgl1 apt-transport-https gnupg lsb-release libnss3 libnspr4 libatk-bridge2.0-0t64 " +
		"libdrm2 libxkbcommon0 libxcomposite1 libxdamage1 libxrandr2 libgbm1 libxss1 libasound2t64 libcups2t64 xvfb xfonts-scalable fonts-unifont " +
		"fonts-liberation fonts-noto-color-emoji fonts-ipafont-gothic fonts-wqy-zenhei fonts-tlwg-loma-otf fonts-freefont-ttf " +
		"docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin") {
		if !slices.Contains(installed, "Package: "+name) {
			t.Errorf("%s is not installed", name)
		}
	}
}

// testOpenhandsSource checks that the image contains exactly the source, without *.md of hashed paths.
func testOpenhandsSource(t *testing.T) {
	root := openhandsRoot(t)
	want := []string{
		"microagents/", "microagents/example.md", "openhands/", "openhands/__init__.py", "openhands/agent_server.py", "openhands/runtime/", "openhands/runtime/__init__.py",
		"openhands/runtime/utils/", "openhands/runtime/utils/__init__.py", "openhands/runtime/utils/vscode-extensions/",
		"openhands/runtime/utils/vscode-extensions/hello-world/", "openhands/runtime/utils/vscode-extensions/hello-world/extension.js",
		"openhands/runtime/utils/vscode-extensions/hello-world/package.json", "openhands/runtime/utils/vscode-extensions/memory-monitor/",
		"openhands/runtime/utils/vscode-extensions/memory-monitor/extension.js",
		"openhands/runtime/utils/vscode-extensions/memory-monitor/package.json",
		"poetry.lock", "pyproject.toml", "skills/", "skills/example.md", "skills/example.txt",
	}
	if got := root.below(t, "/openhands/code"); !slices.Equal(got, want) {
		t.Errorf("the source is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// testOpenhandsDependencies checks that groups main and runtime are installed, and neither dev nor the project itself.
func testOpenhandsDependencies(t *testing.T) {
	root := openhandsRoot(t)
	var got []string
	for _, name := range root.below(t, "/openhands/poetry") {
		if project, ok := strings.CutSuffix(filepath.Base(name), ".dist-info"); ok && strings.HasSuffix(name, ".dist-info/") {
			project, _, _ = strings.Cut(project, "-")
			got = append(got, project)
		}
	}
	slices.Sort(got)
	if want := []string{"packaging", "pip", "playwright", "wheel"}; !slices.Equal(got, want) {
		t.Errorf("installed are %q, want %q", got, want)
	}
}

// testOpenhandsRuns runs the image's programs, as root and as the user.
func testOpenhandsRuns(t *testing.T) {
	root := openhandsRoot(t)
	const (
		conda = "/openhands/micromamba/envs/openhands/bin/"
		login = "PATH=/openhands/micromamba/envs/openhands/bin:"
	)
	tests := []struct {
		name, as, script string
		want             string // a part of the output
	}{
		{"python", "root", "bash -lc 'type python; python -c \"import ssl, sqlite3; print(1)\"'", "python is " + conda + "python\n1\n"},
		{"python", "openhands", "type python; python -c 'import ssl, sqlite3; print(1)'", "python is " + conda + "python\n1\n"},
		{"poetry run", "root", "bash -lc 'cd /openhands/code && poetry run python -c \"import packaging; print(packaging.__name__)\"'", "packaging\n"},
		{"poetry run", "openhands", "cd /openhands/code && poetry run python -c 'import packaging, sys; print(sys.executable)'", "/openhands/poetry/openhands-ai-"},
		{"git", "root", "git config user.email", "openhands@all-hands.dev\n"},
		{"git", "openhands", "cd /openhands/workspace && git init -q x && cd x && git commit -q --allow-empty -m 1 && git log -1 --format=%an && rm -r ../x", "openhands\n"},
		{"tmux", "openhands", "tmux new-session -d 'sleep 9' && tmux list-sessions -F '#{session_windows}' && tmux kill-server", "1\n"},
		{"uv", "root", "uv --version", "uv "},
		{"uv", "openhands", "uv --version", "uv "},
		{"the editor", "openhands", "$OPENVSCODE_SERVER_ROOT/bin/openvscode-server --version", "1.98.2\n"},
		{"sudo", "openhands", "sudo -n id -un 2>/dev/null", "root\n"},
		{"su to root", "openhands", "su - root -c 'id -un'", "root\n"},
		{"su to the user", "root", "su openhands -c 'id -un'", "openhands\n"},
		{"a login's PATH", "openhands", "env", "\n" + login},
		{"a login's interpreter", "openhands", "test -x \"$OH_INTERPRETER_PATH\" && echo \"$OH_INTERPRETER_PATH\"", "/openhands/poetry/openhands-ai-"},
		{"a login's variables", "openhands", "echo $MAMBA_ROOT_PREFIX $POETRY_VIRTUALENVS_PATH $GIT_EDITOR $LANG $PLAYWRIGHT_BROWSERS_PATH",
			"/openhands/micromamba /openhands/poetry code --wait C.UTF-8 /opt/playwright-browsers\n"},
		{"the browser", "openhands", "~/.cache/ms-playwright/chromium-*/chrome-linux/chrome --version", "Chromium "},
		{"docker", "openhands", "docker --version", "Docker version "},
		{"quotes in a login's variables", "openhands", "printenv TELLS; printenv SHOUTS || echo 'left out'", "it's on\nleft out\n"},
		{"sourcing /etc/environment", "root", ". /etc/environment; echo $GIT_EDITOR $TELLS", "code --wait it's on\n"},
	}
	// One container runs all programs. Unique lines separate their outputs.
	var script strings.Builder
	for i, test := range tests {
		command := test.script
		if test.as == "openhands" {
			command = "su - openhands <<'END'\n" + test.script + "\nEND"
		}
		fmt.Fprintf(&script, "echo '=== %d'\n%s\n", i, command)
	}
	config := image(t, builtOpenhands(t).images(t).Source).Config.Config
	config.Cmd = []string{"/bin/bash", "-c", script.String()}
	box := must(testenv.Run(t.Context(), t.TempDir(), string(root), config))(t)
	out, err := box.Wait()
	if _, stopErr := box.Stop(); err != nil || stopErr != nil {
		t.Errorf("%v, %v", err, stopErr)
	}
	for i, test := range tests {
		_, said, _ := strings.Cut(out, fmt.Sprintf("=== %d\n", i))
		said, _, _ = strings.Cut(said, fmt.Sprintf("=== %d\n", i+1))
		if !strings.Contains(said, test.want) {
			t.Errorf("%s as %s printed %q, want %q", test.name, test.as, said, test.want)
		}
	}
}

// testOpenhandsAgent starts the agent in a container, and lets it run a command.
func testOpenhandsAgent(t *testing.T) {
	root := openhandsRoot(t)
	config := image(t, builtOpenhands(t).images(t).Source).Config.Config
	config.Cmd = []string{"/bin/bash", "-c", "exec su - openhands -c 'cd /openhands/code && exec \"$OH_INTERPRETER_PATH\" -m openhands.agent_server 0'"}
	url := serves(t, string(root), config)
	call(t, "GET", url+"/alive", "")
	got := call(t, "POST", url+"/execute_action", `{"command":"id -un; pwd; git --version | cut -c1-11"}`)
	if !strings.Contains(got, `openhands\n/openhands/code\ngit version`) {
		t.Errorf("the agent answers %s", got)
	}
}
