package testmirror

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// machine returns the names of this machine's architecture in conda and on GitHub's release pages.
func machine() (conda, github string) {
	if runtime.GOARCH == "arm64" {
		return "aarch64", "aarch64"
	}
	return "64", "x86_64"
}

// environment is the root file system of withEnvironment; it is made once.
var environment root

// withEnvironment returns a root file system with micromamba and the environment openhands, as a build makes them. Tests share
// it, and write to separate directories.
func withEnvironment(t *testing.T) root {
	t.Helper()
	if environment.dir == "" {
		r := newRoot(t, filepath.Join(temp, "environment"))
		conda, _ := machine()
		_, micromamba := get(t, shared, "https://github.com/mamba-org/micromamba-releases/releases/download/2.3.3-0/micromamba-linux-"+conda)
		r.write(t, "openhands/micromamba/bin/micromamba", micromamba, 0o755)
		r.env = append(r.env, "MAMBA_ROOT_PREFIX=/openhands/micromamba", "PYTHONDONTWRITEBYTECODE=1")
		r.run(t, "/openhands/micromamba/bin/micromamba create -y -n openhands --override-channels -c "+
			at(shared, "https://conda.anaconda.org/conda-forge")+" poetry python=3.13")
		environment = r
	}
	return root{environment.dir, slices.Clone(environment.env)}
}

func TestMicromamba(t *testing.T) {
	m := start(t)
	r := withEnvironment(t)
	const micromamba = "/openhands/micromamba/bin/micromamba"
	if got := r.run(t, micromamba+" --version"); got != "2.3.3\n" {
		t.Errorf("version %q", got)
	}
	got := r.run(t, `for f in /usr/bin/python3* /usr/lib/python3*; do [ ! -e $f ] || echo "the base has $f"; done
`+micromamba+` run -n openhands python -c 'import ssl,sqlite3,venv,tomllib,ctypes,lzma,bz2,zlib,readline,sys; import os; print(sys.prefix, os.listdir(ssl.get_default_verify_paths().capath)[:0])'
/openhands/micromamba/envs/openhands/bin/poetry --version
cat /proc/self/maps >/dev/null`)
	contains(t, "the environment", got, "/openhands/micromamba/envs/openhands []", "Poetry (version 2.")
	if strings.Contains(got, "the base has") {
		t.Error("there is a Python outside the environment:\n" + got)
	}
	if left := r.run(t, "grep -rlI _h_env_placehold /openhands/micromamba/envs || true"); left != "" {
		t.Error("the placeholder was left in", left)
	}
	libraries := r.run(t, `LD_DEBUG=libs /openhands/micromamba/envs/openhands/bin/python -c 'import ssl, sqlite3' 2>&1 | sed -n 's/.*calling init: //p'`)
	for _, library := range []string{"libssl.so.3", "libcrypto.so.3", "libsqlite3.so.0", "libz.so.1"} {
		contains(t, "what Python loads", libraries, "/openhands/micromamba/envs/openhands/bin/../lib/"+library)
	}
	for _, shell := range []string{"bash", "posix"} {
		got := r.run(t, `eval "$(`+micromamba+` shell hook -s `+shell+`)"; micromamba activate openhands
echo "$CONDA_DEFAULT_ENV $CONDA_PREFIX $(command -v python)"; micromamba deactivate; echo "${CONDA_PREFIX-none} $PATH"`)
		contains(t, shell, got, "openhands /openhands/micromamba/envs/openhands /openhands/micromamba/envs/openhands/bin/python\nnone ")
	}
	r.run(t, micromamba+` config append channels conda-forge; `+micromamba+` config set changeps1 False; `+micromamba+` config list | grep -q conda-forge
grep -q '^changeps1: ' ~/.condarc
`+micromamba+` clean --all -y; test ! -e /openhands/micromamba/pkgs`)
	contains(t, "an unsatisfiable request", r.fails(t, 1, micromamba+" create -y -n x --override-channels -c "+at(m, "https://conda.anaconda.org/conda-forge")+" python=3.12"),
		"Could not solve for environment specs", "python =3.12 * does not exist")
	contains(t, "an unreachable channel", r.fails(t, 1, micromamba+" create -y -n x --override-channels -c http://127.0.0.1:1/conda-forge python"), "127.0.0.1:1")
	for _, wrong := range []string{"crate", "create -n x --yess python", "shell hook -s tcsh", "run -n openhands", "clean"} {
		contains(t, "a wrong call", r.fails(t, 2, micromamba+" "+wrong), "stand-in", wrong)
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

func TestMicromambaChecksDigests(t *testing.T) {
	m := start(t)
	m.Fault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/python-3.13.") {
			return false
		}
		_, _ = w.Write([]byte("other bytes"))
		return true
	})
	conda, _ := machine()
	_, micromamba := get(t, m, "https://github.com/mamba-org/micromamba-releases/releases/download/2.3.3-0/micromamba-linux-"+conda)
	program := filepath.Join(t.TempDir(), "micromamba")
	if err := os.WriteFile(program, micromamba, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "create", "-y", "-n", "x", "--override-channels", "-c", at(m, "https://conda.anaconda.org/conda-forge"), "python")
	cmd.Env = []string{"MAMBA_ROOT_PREFIX=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("%v, want code 1", err)
	}
	contains(t, "the error", string(out), "SHA256 sum doesn't match", "Expected: ", "Actual: "+digest([]byte("other bytes")))
}

// plugin copies the Poetry plugin of llb into the root file system, and sets its mirrors.
func (r *root) plugin(t *testing.T, m *Mirror) {
	t.Helper()
	for from, to := range map[string]string{
		"poetry_mirror.py": "poetry_mirror.py", "poetry_mirror_entry_points.txt": "rtbuild_poetry_mirror-1.dist-info/entry_points.txt",
	} {
		content, err := os.ReadFile(filepath.Join("../../llb", from))
		if err != nil {
			t.Fatal(err)
		}
		r.write(t, "plugin/"+to, content, 0o644)
	}
	r.mirrors(t, m.Mirrors())
}

// mirrors sets the variable from which the plugin reads its mirrors.
func (r *root) mirrors(t *testing.T, mirrors map[string]string) {
	t.Helper()
	text, err := json.Marshal(mirrors)
	if err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "RTBUILD_MIRRORS="+string(text))
}

func TestPoetry(t *testing.T) {
	m := start(t)
	r := withEnvironment(t)
	r.plugin(t, m)
	if err := Project(filepath.Join(r.dir, "openhands/code"), m); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "POETRY_VIRTUALENVS_PATH=/openhands/poetry", "PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers",
		"PLAYWRIGHT_DOWNLOAD_HOST="+at(m, "https://cdn.playwright.dev/dbazure/download/playwright"))
	const begin = `cd /openhands/code; export PYTHONPATH=/plugin
poetry() { /openhands/micromamba/bin/micromamba run -n openhands poetry "$@"; }
`
	r.run(t, begin+`poetry check --lock; poetry env use python3.13; poetry install --no-interaction --no-root`)
	contains(t, "everything", r.run(t, begin+"poetry run python -c 'import setuptools, wheel; print(setuptools.__name__)'"), "setuptools")
	out := r.run(t, begin+"poetry sync --no-interaction --no-root --only main,runtime")
	contains(t, "sync", out, "Removing setuptools")
	list := r.run(t, begin+`poetry run python -c "
import importlib.metadata as m; print(*sorted(d.name for d in m.distributions(path=[__import__('sysconfig').get_path('purelib')])))"`)
	if got := strings.TrimSpace(list); got != "packaging pip playwright wheel" { // pip came with the environment

		t.Errorf("installed: %q", got)
	}
	contains(t, "the browser", r.run(t, begin+`unset PYTHONPATH; poetry run python -m playwright install --with-deps chromium
poetry run playwright --version
test -e /opt/playwright-browsers/chromium-1148/INSTALLATION_COMPLETE
/opt/playwright-browsers/chromium-1148/chrome-linux/chrome --version`), "Version 1.49.0", "Chromium 131.")
	contains(t, "a wrong call", r.fails(t, 2, begin+"poetry run playwright install firefox"), "stand-in")

	python := strings.TrimSpace(r.run(t, begin+"poetry run python -c 'import sys; print(sys.executable)'"))
	agent(t, r, "cd /openhands/code; exec "+python+" -m openhands.agent_server 0")
	for _, request := range m.Requests() {
		if request.Site == "https://pypi.org" && !strings.HasPrefix(request.UserAgent, "poetry/") {
			t.Errorf("the index got a request of %s", request.UserAgent)
		}
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

// TestPoetryWithoutMirrors checks that the plugin does not change poetry if there are no mirrors.
func TestPoetryWithoutMirrors(t *testing.T) {
	m := start(t)
	r := withEnvironment(t)
	r.plugin(t, m)
	if err := PoetryProject(filepath.Join(r.dir, "src/poetry"), m); err != nil {
		t.Fatal(err)
	}
	r.env = append(r.env, "PYTHONPATH=/plugin", "RTBUILD_MIRRORS={}", "HTTPS_PROXY=http://127.0.0.1:1")
	// The environment is not activated: poetry would use it for the project, unless "poetry env use" was run.
	const poetry = "/openhands/micromamba/envs/openhands/bin/poetry"
	out := r.fails(t, 1, "cd /src/poetry; "+poetry+" sync --no-interaction --no-root")
	contains(t, "the error", out, "pypi.org")
	if strings.Contains(out, "plugin") {
		t.Error("the plugin failed:\n", out)
	}
	r.mirrors(t, map[string]string{"https://pypi.org": at(m, "https://pypi.org")})
	r.run(t, "cd /src/poetry; "+poetry+" check --lock; "+poetry+" sync --no-interaction --no-root")
}

// agent starts the test project's agent and lets it run a command.
func agent(t *testing.T, r root, script string) {
	t.Helper()
	cmd := r.command(t, script)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() //nolint:errcheck // it is killed
	defer cmd.Process.Kill()
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	host := regexp.MustCompile(`listening on (\S+)\n`).FindStringSubmatch(line)
	if host == nil {
		t.Fatalf("the agent said %q\n%s", line, &stderr)
	}
	resp, err := http.Get("http://" + host[1] + "/alive")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("alive: %v, %v", resp, err)
	}
	resp, err = http.Post("http://"+host[1]+"/execute_action", "application/json", strings.NewReader(`{"command": "echo $((6*7)); echo no >&2; exit 3"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		ExitCode       int `json:"exit_code"`
		Stdout, Stderr string
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.ExitCode != 3 || answer.Stdout != "42\n" || answer.Stderr != "no\n" {
		t.Errorf("the agent answered %+v, %v", answer, err)
	}
}

func TestPip(t *testing.T) {
	m := start(t)
	r := withEnvironment(t)
	out := r.run(t, `export PIP_INDEX_URL=`+at(m, "https://pypi.org/simple/")+`
/openhands/micromamba/envs/openhands/bin/python -m venv /pip; /pip/bin/pip install --no-input playwright wheel; /pip/bin/pip check; /pip/bin/playwright --version`)
	contains(t, "pip", out, "Successfully installed packaging-", "Version 1.49.0")
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

func TestUV(t *testing.T) {
	m := start(t)
	r := withEnvironment(t)
	_, github := machine()
	_, archive := get(t, m, "https://github.com/astral-sh/uv/releases/download/0.8.3/uv-"+github+"-unknown-linux-gnu.tar.gz")
	r.write(t, "uv.tar.gz", archive, 0o644)
	contains(t, "the versions", r.run(t, "tar -xzf /uv.tar.gz -C /usr/local/bin --strip-components=1; uv --version; uvx --version"), "uv 0.8.3", "uvx 0.8.3")
	if err := UVProject(filepath.Join(r.dir, "src/uv"), m); err != nil {
		t.Fatal(err)
	}
	const sync = "cd /src/uv; uv sync --frozen --no-install-project --no-dev"
	r.env = append(r.env, "UV_PROJECT_ENVIRONMENT=/venv", "UV_PYTHON=/openhands/micromamba/envs/openhands/bin/python", "UV_CACHE_DIR=/cache")
	contains(t, "without a mirror", r.fails(t, 1, "export HTTPS_PROXY=http://127.0.0.1:1; "+sync), "https://files.pythonhosted.org/")
	r.run(t, "sed -i 's,https://files.pythonhosted.org,"+at(m, "https://files.pythonhosted.org")+",' /src/uv/uv.lock; "+sync)
	const installed = `; ls -d /venv/lib/python3.13/site-packages/*.dist-info | sed 's,.*/,,; s,-.*,,' | tr '\n' ' '`
	for _, step := range []struct{ change, want string }{
		{"cd /src/uv; uv sync --frozen --no-install-project", "packaging setuptools wheel "},
		{sync, "packaging wheel "},
		{"sed -i '/    { name = \"wheel\" },/d' /src/uv/uv.lock; " + sync, "packaging "},
	} {
		out := r.run(t, step.change+installed)
		if at := strings.LastIndex(out, "\n") + 1; out[at:] != step.want {
			t.Errorf("after %s: %q, want %q", step.change, out[at:], step.want)
		}
	}
	contains(t, "what is left", r.run(t, "ls /venv/bin /venv/lib/python3.13/site-packages"), "packaging")
	contains(t, "main.py", r.run(t, "timeout 2 /venv/bin/python /src/uv/main.py 0 || true"), "listening on")
	contains(t, "a wrong hash", r.fails(t, 1, "rm -r /venv /cache; sed -i 's/sha256:[0-9a-f]*/sha256:"+strings.Repeat("0", 64)+"/' /src/uv/uv.lock; "+sync), "hash mismatch", "Expected:", "Computed:")
	for _, wrong := range []string{"sync", "sync --frozen --no-device", "pip install x", "lock"} {
		contains(t, "a wrong call", r.fails(t, 2, "cd /src/uv; uv "+wrong), "stand-in", wrong)
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

func TestDocker(t *testing.T) {
	m := start(t)
	r := newRoot(t, t.TempDir())
	repository := at(m, "https://download.docker.com/linux/debian")
	_, key := get(t, m, "https://download.docker.com/linux/debian/gpg")
	contains(t, "the key", string(key), "-----BEGIN PGP PUBLIC KEY BLOCK-----")
	r.write(t, "etc/apt/keyrings/docker.asc", key, 0o644)
	r.write(t, "etc/apt/sources.list.d/docker.list", []byte("deb [signed-by=/etc/apt/keyrings/docker.asc] "+repository+" trixie stable\n"), 0o644)
	out := r.run(t, `export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin
docker --version; getent group docker; dpkg -s docker-ce | grep ^Version`)
	contains(t, "apt", out, "Docker version 28.5.1", "docker:x:", "Version: 5:28.5.1-1~debian.13~trixie")
	r.write(t, "etc/apt/keyrings/docker.asc", []byte(strings.ReplaceAll(string(key), "m", "n")), 0o644)
	r.fails(t, 100, "rm -rf /var/lib/apt/lists/*; apt-get update --error-on=any")
	for _, address := range []string{
		"https://download.docker.com/linux/ubuntu/dists/noble/InRelease", "https://download.docker.com/linux/debian/dists/bookworm/stable/binary-arm64/Packages.gz",
	} {
		if resp, _ := get(t, m, address); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", address, resp.Status)
		}
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

func TestEditor(t *testing.T) {
	r := newRoot(t, t.TempDir())
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	_, archive := get(t, shared, "https://github.com/gitpod-io/openvscode-server/releases/download/openvscode-server-v1.98.2/openvscode-server-v1.98.2-linux-"+arch+".tar.gz")
	r.write(t, "editor.tar.gz", archive, 0o644)
	const bin = "/openhands/.openvscode-server/bin/"
	contains(t, "the versions", r.run(t, "mkdir -p /openhands/.openvscode-server; tar -xzf /editor.tar.gz -C /openhands/.openvscode-server --strip-components=1; "+
		"cp "+bin+"remote-cli/openvscode-server "+bin+"remote-cli/code; "+bin+"remote-cli/code --version; "+bin+"openvscode-server --version"), "1.98.2\n"+editorCommit)
	cmd := r.command(t, "exec "+bin+"openvscode-server --host 127.0.0.1 --port 0 --connection-token secret --disable-workspace-trust")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait() //nolint:errcheck // it is killed
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(stdout)
	address := ""
	for address == "" && lines.Scan() {
		if m := regexp.MustCompile(`^Web UI available at (\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
			address = m[1]
		}
	}
	for url, want := range map[string]int{address: http.StatusOK, strings.Replace(address, "secret", "wrong", 1): http.StatusForbidden} {
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %s\n%s", url, resp.Status, body)
		}
	}
	contains(t, "a wrong call", r.fails(t, 2, bin+"openvscode-server --prot 1"), "stand-in")
}
