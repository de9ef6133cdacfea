package profile

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

const openhandsPyproject = "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"0.62.0\"\n"

func openhandsRuntime(change func(*Runtime)) *Runtime {
	r := &Runtime{
		Profile: "openhands", Base: "nikolaik/python-nodejs:python3.12-nodejs22", Version: "0.62.0",
		Interpreter: Interpreter{Name: "python", Version: "3.12"},
		Prefix:      "/openhands", User: User{Name: "openhands", UID: 1000, GID: 1000},
		Components:   map[string]bool{"browser": true, "docker": true, "editor": true},
		Dependencies: Dependencies{Manager: "poetry", Files: []string{"pyproject.toml", "poetry.lock"}}, Bytecode: llb.BytecodeAll,
		Source: []Source{{Path: "openhands", Hash: true}, {Path: "microagents", Optional: true}, {Path: "skills", Optional: true}},
		Env: map[string]string{
			"EDITOR": "code", "GIT_EDITOR": "code --wait", "VISUAL": "code", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
			"MAMBA_ROOT_PREFIX": "/openhands/micromamba", "OPENVSCODE_SERVER_ROOT": "/openhands/.openvscode-server",
			"POETRY_VIRTUALENVS_PATH": "/openhands/poetry",
		},
	}
	if change != nil {
		change(r)
	}
	return r
}

func pythonRuntime(change func(*Runtime)) *Runtime {
	r := &Runtime{
		Profile: "python", Base: "debian", Version: "unknown",
		Interpreter: Interpreter{Name: "python"}, PythonPinned: "3.13.18+20261110", Prefix: "/agent", User: User{Name: "agent", UID: 1000, GID: 1000},
		Dependencies: Dependencies{Manager: "pip", Files: []string{"requirements.txt"}}, Bytecode: llb.BytecodeAll,
		Source: []Source{{Path: ".", Hash: true}},
		Ignore: alwaysIgnored,
	}
	if change != nil {
		change(r)
	}
	return r
}

func TestLoad(t *testing.T) {
	extra := " make\n"
	debian := Options{Base: "debian"}
	tests := []struct {
		name    string
		project fstest.MapFS
		opts    Options
		want    *Runtime
	}{
		{"node without a file", projecttest.Files("package-lock.json", "{}", "requirements.txtx", ""), Options{Base: "debian:bookworm"}, nodeRuntime(func(r *Runtime) { r.Version = "unknown" })},
		{"python", projecttest.Files("requirements.txt", "a==1\n"), debian, pythonRuntime(nil)},
		{"python by pip beside poetry", projecttest.Files("requirements.txt", "a==1\n", "poetry.lock", "", "pyproject.toml", "[project]\nname = 'x'\nversion = '2'\n", runtimefile.Name, "dependencies: {manager: pip}"), debian, pythonRuntime(func(r *Runtime) { r.Version = "2" })},
		{"python by poetry", projecttest.Files("poetry.lock", "", "pyproject.toml", "[tool.poetry]\nname = 'x'\nversion = '2'\n"), debian, pythonRuntime(func(r *Runtime) {
			r.Version, r.Dependencies = "2", Dependencies{Manager: "poetry", Files: []string{"pyproject.toml", "poetry.lock"}}
			r.Project = []llb.Distribution{{Name: "x", Version: "2", Metadata: "Metadata-Version: 2.1\nName: x\nVersion: 2\n", Dir: ".", Roots: []string{"src", "."}}}
		})},
		{"python by Poetry itself", projecttest.Files("poetry.lock", "", "pyproject.toml", "", runtimefile.Name, "dependencies: {installer: poetry}"), debian, pythonRuntime(func(r *Runtime) {
			r.Dependencies = Dependencies{Manager: "poetry", Files: []string{"pyproject.toml", "poetry.lock"}, Installer: "poetry"}
		})},
		{"python by the installer that is the default", projecttest.Files("poetry.lock", "", runtimefile.Name, "dependencies: {manager: poetry, files: [x], installer: uv}\nbytecode: all"), Options{Base: "debian", Profile: "python"}, pythonRuntime(func(r *Runtime) {
			r.Dependencies = Dependencies{Manager: "poetry", Files: []string{"x"}}
		})},
		{"python without byte code", projecttest.Files("requirements.txt", "", runtimefile.Name, "bytecode: none"), debian, pythonRuntime(func(r *Runtime) { r.Bytecode = "none" })},
		{"python by uv", projecttest.Files("uv.lock", "", "pyproject.toml", "[project]\nname = 'x'\nversion = '2'\n"), debian, pythonRuntime(func(r *Runtime) {
			r.Version, r.Dependencies = "2", Dependencies{Manager: "uv", Files: []string{"pyproject.toml", "uv.lock"}}
		})},
		{"python by uv with further files", projecttest.Files("uv.lock", "", "pyproject.toml", "", runtimefile.Name, "dependencies: {manager: uv, files: [pyproject.toml, uv.lock, a/pyproject.toml]}"), debian, pythonRuntime(func(r *Runtime) {
			r.Version, r.Dependencies = "unknown", Dependencies{Manager: "uv", Files: []string{"pyproject.toml", "uv.lock", "a/pyproject.toml"}}
		})},
		{"python 3.10", projecttest.Files("requirements.txt", "", runtimefile.Name, "runtime: {python: 3.10}"), debian, pythonRuntime(func(r *Runtime) { r.Interpreter.Version, r.PythonPinned = "3.10", "3.10.22+20261009" })},
		{"python without a requirements.txt is the tags' error", projecttest.Files("a.py", ""), Options{Base: "debian", Profile: "python"}, pythonRuntime(nil)},
		{"openhands", projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "", "package-lock.json", "{}", ".dockerignore", "a"), Options{}, openhandsRuntime(nil)},
		{"openhands by Poetry itself", projecttest.Files("openhands/pyproject.toml", "version = 2", runtimefile.Name, "profile: openhands\ndependencies: {installer: poetry}\nbytecode: startup"), Options{}, openhandsRuntime(func(r *Runtime) {
			r.Version, r.Dependencies.Installer, r.Bytecode = "2", "poetry", "startup"
		})},
		{"openhands elsewhere", projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "", runtimefile.Name, "prefix: /oh\nenv: {LANG: C, X: y}"), Options{NoBrowser: true}, openhandsRuntime(func(r *Runtime) {
			r.Prefix = "/oh"
			r.Components["browser"] = false
			r.Env["LANG"], r.Env["X"] = "C", "y"
			r.Env["MAMBA_ROOT_PREFIX"], r.Env["POETRY_VIRTUALENVS_PATH"], r.Env["OPENVSCODE_SERVER_ROOT"] = "/oh/micromamba", "/oh/poetry", "/oh/.openvscode-server"
		})},
		{"openhands' version is in the package", projecttest.Files("openhands/pyproject.toml", "[x]\n  version ='1'  \nversion = 2"), Options{Profile: "openhands"}, openhandsRuntime(func(r *Runtime) { r.Version = "1" })},
		{"openhands without a version", projecttest.Files("pyproject.toml", "version=1"), Options{Profile: "openhands"}, openhandsRuntime(func(r *Runtime) { r.Version = "unknown" })},
		{
			"options override the file", nodeProject("profile: python\nbase: a\nrepository: b\nversion: c\nextra: d\n"),
			Options{Profile: "node", Base: "debian:bookworm", Repository: "r/x", Version: "9", Extra: &extra, NoBrowser: true},
			nodeRuntime(func(r *Runtime) { r.Repository, r.Version, r.Extra = "r/x", "9", "make" }),
		},
		{"another file's data", nodeProject("base: a"), Options{Name: "x.yaml", Data: []byte("base: debian:bookworm")}, nodeRuntime(nil)},
		{"another file of the project", projecttest.Files("package-lock.json", "{}", "x.yaml", "base: debian:bookworm\nversion: 1.2.3"), Options{Name: "x.yaml"},
			nodeRuntime(func(r *Runtime) { r.Ignore = append(append([]string{}, alwaysIgnored...), "x.yaml") })},
		{"an empty document", nodeProject("---\n"), Options{Base: "debian:bookworm"}, nodeRuntime(nil)},
		{
			"ignored by .dockerignore", projecttest.Files("package-lock.json", "{}", ".dockerignore", "# all\n*\n!/src\n", runtimefile.Name, "base: debian:bookworm\nignore: [x]\nversion: 1.2.3"), Options{},
			nodeRuntime(func(r *Runtime) { r.Ignore = append([]string{"*", "!src", "x"}, alwaysIgnored...) }),
		},
		{"a start script", projecttest.Files("package-lock.json", "{}", "package.json", "\uFEFF{\"version\": \"1.2.3\", \"main\": \"a.js\", \"scripts\": {\"start\": \"x\"}}"), Options{Base: "debian:bookworm"}, nodeRuntime(func(r *Runtime) { r.Cmd = []string{"x"} })},
		{"a main file", projecttest.Files("package-lock.json", "{}", "package.json", `{"version": "1.2.3", "main": "a.js", "scripts": {"start": 1}}`), Options{Base: "debian:bookworm"}, nodeRuntime(func(r *Runtime) { r.Cmd = []string{"node", "a.js"} })},
		{
			"no default command behind an entrypoint", projecttest.Files("package-lock.json", "{}", "package.json", `{"version": "1.2.3", "main": "a.js"}`, runtimefile.Name, "entrypoint: [x]"), Options{Base: "debian:bookworm"},
			nodeRuntime(func(r *Runtime) { r.Entrypoint = []string{"x"} }),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Load(test.project, test.opts)
			projecttest.CheckError(t, err, "")
			if diff := compareRuntimes(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	debian := Options{Base: "debian"}
	tests := []struct {
		name    string
		project fstest.MapFS
		opts    Options
		want    string
	}{
		{"no lock file", projecttest.Files("README.md", ""), debian, "no profile fits the project: looked for package-lock.json or package.json with npm-shrinkwrap.json or package.json with pnpm-lock.yaml or package.json with yarn.lock or package.json with bun.lock (node), requirements.txt or pyproject.toml with poetry.lock or pyproject.toml with uv.lock or pyproject.toml with pdm.lock or pylock.toml (python), pyproject.toml with poetry.lock (openhands, of project openhands-ai): name the project's root, write one of these files, or say profile: and dependencies: {manager: none} in runtime.yaml"},
		{"uv without its project", projecttest.Files("uv.lock", ""), debian, "no profile fits the project: found uv.lock, but pyproject.toml is missing: name the project's root"},
		{"two managers", projecttest.Files("poetry.lock", "", "requirements.txt", "", "pyproject.toml", "[project]\nname='x'"), debian, "the project has requirements.txt and poetry.lock: say which its dependencies are installed from, by dependencies: {manager: pip} or {manager: poetry} in runtime.yaml"},
		{"npm without its lock file", projecttest.Files("package.json", "{}"), debian, "no profile fits the project: found package.json, but package-lock.json is missing: write it with: npm install --package-lock-only"},
		{"two profiles", projecttest.Files("package-lock.json", "{}", "requirements.txt", ""), debian, "the project has package-lock.json and requirements.txt: write the line profile: node or the line profile: python in runtime.yaml, or give --profile"},
		{"a misspelt field before a missing profile", projecttest.Files(runtimefile.Name, "profle: node"), debian, `runtime.yaml:1:1: unknown field "profle": did you mean "profile"?`},
		{"pyproject.toml", projecttest.Files("poetry.lock", "", "pyproject.toml", "[project]\nname = x\n"), debian, "pyproject.toml:2:8: not valid TOML: unexpected character U+0078 'x' at start of value"},
		{"pyproject.toml of profile python", projecttest.Files("requirements.txt", "", "pyproject.toml", "[project]\nversion = 1\n"), debian, "pyproject.toml:2:11: not valid TOML: cannot decode TOML integer into struct field manifests.pyprojectNames.Version of type string"},
		{"unknown profile", nodeProject(""), Options{Base: "debian", Profile: "pyton"}, `unknown profile "pyton": did you mean "python"?`},
		{"base image option", nodeProject("base: a"), Options{Base: "A"}, `base image "A": invalid reference format: repository name (library/A) must be lowercase: write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case`},
		{"repository option", nodeProject("base: a"), Options{Repository: "a:b"}, `repository "a:b": it has a tag or a digest: write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag`},
		{"two profiles, by build arguments", projecttest.Files("package-lock.json", "{}", "requirements.txt", ""), Options{Base: "debian", From: options.BuildArguments},
			"the project has package-lock.json and requirements.txt: write the line profile: node or the line profile: python in runtime.yaml, or give --build-arg PROFILE=NAME"},
		{"no base, by build arguments", nodeProject("profile: node"), Options{From: options.BuildArguments}, "runtime.yaml: no base image is named: write a line such as base: debian:bookworm, or give --build-arg BASE_IMAGE=IMAGE"},
		{"no base", nodeProject("profile: node"), Options{}, "runtime.yaml: no base image is named: write a line such as base: debian:bookworm, or give --base-image"},
		{"component", nodeProject("components: {browser: true}"), debian, `runtime.yaml:1:1: profile node has no component "browser": only profile openhands has components`},
		{"interpreter", nodeProject("base: a\nruntime: {python: 3.12}"), Options{}, "runtime.yaml:2:1: profile node does not run on python: write runtime: {node: VERSION}"},
		{"interpreter of openhands", projecttest.Files(runtimefile.Name, "profile: openhands\nruntime: {node: 22}"), Options{}, "runtime.yaml:2:1: profile openhands does not run on node: write runtime: {python: VERSION}"},
		{"manager", nodeProject("dependencies: {manager: pip}"), debian, "runtime.yaml:1:1: the manager pip is not supported by profile node: use npm or pnpm or yarn or bun or none"},
		{"a project without a name", projecttest.Files("uv.lock", "", "pyproject.toml", "", runtimefile.Name, "project: editable"), debian, "runtime.yaml:1:1: the project in . has no pyproject.toml with its name, so rtbuild cannot install it: write one, or write project: none"},
		{"a volume over the code", nodeProject("volumes: [/agent]"), debian, "runtime.yaml:1:1: the volume /agent would hide the runtime at /agent from its containers: choose a directory for data, such as /data"},
		{"a project of node", nodeProject("project: none"), debian, "runtime.yaml:1:1: profile node installs no Python project: leave project out"},
		{"uv in profile openhands", projecttest.Files(runtimefile.Name, "profile: openhands\ndependencies: {manager: uv}"), debian, "runtime.yaml:2:1: the manager uv is not supported by profile openhands: use poetry"},
		{"an installer of pip", projecttest.Files("requirements.txt", "", runtimefile.Name, "base: a\ndependencies: {installer: poetry}"), Options{}, "runtime.yaml:2:1: only the manager poetry has a choice of installers, and the manager is pip: leave installer out\ndependencies: {installer: poetry}\n^"},
		{"an installer of npm", nodeProject("dependencies: {installer: uv}"), debian, "runtime.yaml:1:1: only the manager poetry has a choice of installers, and the manager is npm: leave installer out"},
		{"an installer beside two managers", projecttest.Files("poetry.lock", "", "requirements.txt", "", "pyproject.toml", "[project]\nname='x'", runtimefile.Name, "dependencies: {installer: poetry}"), debian, "the project has requirements.txt and poetry.lock: say which its dependencies are installed from, by dependencies: {manager: pip} or {manager: poetry} in runtime.yaml"},
		{"byte code of node", nodeProject("base: a\nbytecode: all"), Options{}, "runtime.yaml:2:1: profile node does not run on python, and only Python has byte code: leave bytecode out\nbytecode: all\n^"},
		{"a field under an alias", projecttest.Files(runtimefile.Name, "profile: &d python\n? &k dependencies\n: {manager: npm}"), debian, "runtime.yaml:2:3: the manager npm is not supported by profile python: use pip or poetry or uv or pdm or pylock or none"},
		{"a build argument of our own", nodeProject("args: [COMMIT, NO_TEST]"), Options{Base: "a"}, "runtime.yaml:1:1: the build argument NO_TEST is rtbuild's own: leave it out, or choose another name"},
		{"a field whose name is an alias", projecttest.Files(runtimefile.Name, "profile: openhands\nenv: {x: &k ignore}\n*k : [a]"), Options{}, "runtime.yaml:2:10: profile openhands uses only the ignore rules of the original: leave ignore out"},
		{"ignore of openhands", projecttest.Files(runtimefile.Name, "profile: openhands\nignore: [a]"), Options{}, "runtime.yaml:2:1: profile openhands uses only the ignore rules of the original: leave ignore out"},
		{"a file that is not there", nodeProject(""), Options{Name: "x.yaml"}, "x.yaml: file does not exist: name the runtime file with -f, or write a runtime.yaml"},
		{"a name in another file", nodeProject(""), Options{Name: "/a/x.yaml", Data: []byte("x: y")}, `/a/x.yaml:1:1: unknown field "x": known are args, base, build, bytecode, cmd, components, dependencies, directory, entrypoint, env, expose, extra, healthcheck, ignore, network, packages, prefix, profile, project, repository, runtime, source, stopSignal, test, tools, user, version, volumes, workdir`},
		{"package.json", projecttest.Files("package-lock.json", "", "package.json", "{\n  \"a\": 1,\n}"), debian, "package.json:3:1: not valid JSON: invalid character '}' looking for beginning of object key string\n}\n^"},
		{"package.json that ends early", projecttest.Files("package-lock.json", "", "package.json", "{\n"), debian, "package.json:1:2: not valid JSON: unexpected end of JSON input"},
		{"package.json that is a list", projecttest.Files("package-lock.json", "", "package.json", "[]"), debian, "package.json:1:1: it must hold a JSON object"},
		{"workspaces", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["../x"]}`), debian, `package.json: the workspace "../x" is outside of the project: build from the directory that holds all members`},
		{"workspaces' pattern", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["a/[x"]}`), debian, `package.json: the pattern "[x" of workspaces is not understood: list the workspaces' package.json under dependencies.files`},
		{"workspaces' pattern behind stars", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["**/[x"]}`), debian, `package.json: the pattern "[x" of workspaces is not understood: list the workspaces' package.json under dependencies.files`},
		{"workspaces' pattern in a directory", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["*/[x"]}`, "a/b", ""), debian, `package.json: the pattern "[x" of workspaces is not understood: list the workspaces' package.json under dependencies.files`},
		{"requirements", projecttest.Files("requirements.txt", "a==1\nb\n"), debian, "requirements.txt:2:1: the requirement \"b\" is not pinned: pin all with: mv requirements.txt requirements.in && uv pip compile --universal --generate-hashes -o requirements.txt requirements.in\nb\n^"},
		{".dockerignore", projecttest.Files("package-lock.json", "", ".dockerignore", strings.Repeat("a", 70000)), debian, "reading .dockerignore: bufio.Scanner: token too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(test.project, test.opts)
			projecttest.CheckError(t, err, test.want)
		})
	}
}

// denied is a project in which one file may not be read.
type denied struct {
	fs.FS
	name string
}

func (d denied) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func TestUnreadable(t *testing.T) {
	openhands := projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "")
	tests := []struct {
		project fs.FS
		profile string
	}{
		{denied{nodeProject(""), runtimefile.Name}, ""},
		{denied{nodeProject(""), "package.json"}, ""},
		{denied{nodeProject(""), ".dockerignore"}, ""},
		{denied{openhands, "pyproject.toml"}, "openhands"},
		{denied{openhands, "pyproject.toml"}, "python"},
		{denied{projecttest.Files("requirements.txt", ""), "requirements.txt"}, "python"},
	}
	for _, test := range tests {
		_, err := Load(test.project, Options{Base: "debian", Profile: test.profile})
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%v: %v", test.project, err)
		}
	}
}

func TestWorkspacesOfBrokenManifest(t *testing.T) {
	_, err := manifests.WorkspaceManifests(projecttest.Files("package.json", "{"))
	projecttest.CheckError(t, err, "package.json:1:1: not valid JSON: unexpected end of JSON input")
}

func TestLockFiles(t *testing.T) {
	tests := []struct {
		name    string
		project fstest.MapFS
		want    []string
	}{
		{"npm", nodeProject(""), []string{"package.json", "package-lock.json"}},
		{"workspaces", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["./packages/*/", "apps/**", "!packages/old", "tool", "none", "."]}`,
			"packages/b/package.json", "", "packages/a/package.json", "", "packages/old/package.json", "", "packages/docs/README", "",
			"packages/.x/package.json", "", "packages/node_modules/package.json", "", "apps/package.json", "", "apps/x/y/package.json", "",
			"apps/x/node_modules/z/package.json", "", "tool/package.json", "", "other/package.json", ""),
			[]string{"package.json", "package-lock.json", "apps/package.json", "apps/x/y/package.json", "packages/a/package.json", "packages/b/package.json", "tool/package.json"}},
		{"workspaces in yarn's form", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": {"packages": ["a", 1]}}`, "a/package.json", ""),
			[]string{"package.json", "package-lock.json", "a/package.json"}},
		{"files of the user's own", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["a"]}`, "a/package.json", "", runtimefile.Name, "dependencies: {files: [package-lock.json, package.json]}"),
			[]string{"package-lock.json", "package.json"}},
		{"requirements", projecttest.Files("requirements.txt", "-r a/b.txt\n-c c.txt\n", "a/b.txt", "-r ../d.txt\n--requirement=e.txt\n-r ../requirements.txt", "a/e.txt", "", "d.txt", "", "c.txt", ""),
			[]string{"requirements.txt", "a/b.txt", "d.txt", "a/e.txt", "c.txt"}},
		{"requirements of the user's own", projecttest.Files("requirements.txt", "loose", "r.lock", "-r x.txt\n", "x.txt", "", runtimefile.Name, "dependencies: {files: [r.lock, y.txt]}"),
			[]string{"r.lock", "y.txt", "x.txt"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(test.project, Options{Base: "debian"})
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(test.want, r.Dependencies.Files); diff != "" {
				t.Error(diff)
			}
		})
	}
}
