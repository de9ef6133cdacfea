package profile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

func TestExtras(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	start := projecttest.Files("package-lock.json", "{}", "package.json", `{"scripts": {"start": "x"}}`)
	openhands := projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "")
	tests := []struct {
		name, yaml   string
		project      fstest.MapFS
		lock, source string // JSON
	}{
		{"nothing", "", nil, `{}`, `{}`},
		{
			"what is at its default", "profile: node\nruntime: {node: 22}\nprefix: /agent\nuser: {name: agent}\npackages: []\ncomponents: {browser: false}\ntools: []\n" +
				"dependencies: {manager: npm, files: [package.json, package-lock.json]}\nsource: [{path: .}]\nignore: []\nenv: {}\nworkdir: /agent/code\nexpose: []\nextra: ' '\ncmd: [npm, start]",
			start, `{}`, `{}`,
		},
		{"what is in no tag", "network: {mirrors: {'https://a.com': 'https://b.com'}}\nrepository: a/b", nil, `{}`, `{}`},
		{"the default command of the first releases", "cmd: [npm, start]", start, `{}`, `{}`},
		{"the default command of today", "", start, `{}`, `{"cmd":["x"]}`},
		{"the default command, written", "cmd: [x]", start, `{}`, `{"cmd":["x"]}`},
		{"an entrypoint instead of the default command", "entrypoint: [b]", start, `{}`, `{"entrypoint":["b"]}`},
		{"a main file", "", projecttest.Files("package-lock.json", "{}", "package.json", `{"main": "a.js"}`, "a.js", ""), `{}`, `{}`},
		{"a program", "", projecttest.Files("package-lock.json", "{}", "package.json", `{"main": "a.js", "bin": "b.js"}`), `{}`, `{"cmd":["node","b.js"]}`},
		{"packages", "packages: [git, jq, git]", nil, `{"packages":["git","jq"]}`, `{}`},
		{"packages by manager", "packages: {apt: [git]}", nil, `{"packages":{"apt":["git"]}}`, `{}`},
		{
			"a tool", "tools: [{name: uv, version: 0.8.3, url: 'https://e.com', sha256: {amd64: " + sum + "}}]", nil,
			`{"tools":[{"name":"uv","sha256":{"amd64":"` + sum + `"},"to":"bin","url":"https://e.com","version":"0.8.3"}]}`, `{}`,
		},
		{"interpreter", "runtime: {node: 24}", nil, `{"runtime":{"node":"24"}}`, `{}`},
		{"prefix", "prefix: /x", nil, `{"prefix":"/x"}`, `{}`},
		{"user", "user: {uid: 7}", nil, `{"user":{"gid":1000,"name":"agent","uid":7}}`, `{}`},
		{"root", "user: root", nil, `{"user":{"gid":0,"name":"root","uid":0}}`, `{}`},
		{"env", "env: {B: 2, A: 1}", nil, `{}`, `{"env":{"A":"1","B":"2"}}`},
		{"build arguments", "args: [COMMIT]", nil, `{}`, `{}`},
		{"env of the installation", "dependencies: {env: {B: 2, A: 1}}", nil, `{"dependencies":{"env":{"A":"1","B":"2"},"files":["package.json","package-lock.json"],"manager":"npm"}}`, `{}`},
		{"manager", "dependencies: {manager: none}", nil, `{"dependencies":{"manager":"none"}}`, `{}`},
		{"lock files", "dependencies: {files: [x]}", nil, `{"dependencies":{"files":["x"],"manager":"npm"}}`, `{}`},
		{"workspaces leave no trace", "", projecttest.Files("package-lock.json", "", "package.json", `{"workspaces": ["a"]}`, "a/package.json", ""), `{}`, `{}`},
		{"includes leave no trace", "", projecttest.Files("requirements.txt", "-r a.txt", "a.txt", ""), `{}`, `{}`},
		{"source", "source: [{path: skills, hash: false}, {path: .}]", nil, `{}`, `{"source":[{"hash":true,"path":"."},{"hash":false,"path":"skills"}]}`},
		{"ignore", "ignore: ['*.log']", nil, `{}`, `{"ignore":["*.log"]}`},
		{".dockerignore leaves no trace of its own", "", projecttest.Files("package-lock.json", "", ".dockerignore", "x"), `{}`, `{}`},
		{"process", "cmd: [a]\nentrypoint: [b]\nworkdir: /srv\nexpose: [9000, 8000, 53/udp]\nextra: 'true'", start, `{}`, `{"cmd":["a"],"entrypoint":["b"],"expose":[8000,9000,"53/udp"],"extra":"true","workdir":"/srv"}`},
		{"health, signal and volumes", "healthcheck: {run: [a], retries: 2}\nstopSignal: SIGINT\nvolumes: [/data]", nil, `{}`,
			`{"healthcheck":{"Retries":2,"Test":["CMD","a"]},"stopSignal":"SIGINT","volumes":["/data"]}`},
		{"tests", "test: [{run: [a], exit: 1}, {file: /a}]", nil, `{}`, `{"test":[{"exit":1,"run":["a"]},{"file":"/a"}]}`},
		{"no command", "cmd: []", nil, `{}`, `{"cmd":[]}`},
		{"no command instead of the default", "cmd: []", start, `{}`, `{"cmd":[]}`},
		{"no entrypoint", "entrypoint: []", start, `{}`, `{"entrypoint":[]}`},
		{"python", "runtime: {python: 3.10}", projecttest.Files("requirements.txt", ""), `{"runtime":{"python":"3.10"}}`, `{}`},
		{"openhands", "", openhands, `{}`, `{}`},
		{
			"openhands' components and env", "components: {docker: false, browser: false, editor: true}\nenv: {LANG: C, VISUAL: code}\nprefix: /oh",
			openhands, `{"components":{"docker":false},"env":{"LANG":"C"},"prefix":"/oh"}`, `{}`,
		},
		{"byte code", "bytecode: startup", projecttest.Files("requirements.txt", ""), `{"bytecode":"startup"}`, `{}`},
		{"a project of uv that is not installed", "", uvProject(""), `{"dependencies":{"files":["pyproject.toml","uv.lock"],"manager":"uv"}}`, `{}`},
		{"a project that is installed", "", uvProject("[build-system]\n"), `{"dependencies":{"files":["pyproject.toml","uv.lock"],"manager":"uv"},"project":["src","."]}`, `{}`},
		{"a project that is not to be installed", "project: none", uvProject("[build-system]\n"), `{"dependencies":{"files":["pyproject.toml","uv.lock"],"manager":"uv"}}`, `{}`},
		{"a project that is to be installed", "project: editable", uvProject(""), `{"dependencies":{"files":["pyproject.toml","uv.lock"],"manager":"uv"},"project":["src","."]}`, `{}`},
		{"installer", "dependencies: {installer: poetry}", openhands, `{"dependencies":{"files":["pyproject.toml","poetry.lock"],"installer":"poetry","manager":"poetry"}}`, `{}`},
		{"byte code and installer at their defaults", "bytecode: all\ndependencies: {installer: uv}", openhands, `{}`, `{}`},
		{
			"the default installer of what is not the default manager", "dependencies: {manager: poetry, installer: uv}", projecttest.Files("requirements.txt", ""),
			`{"dependencies":{"files":["pyproject.toml","poetry.lock"],"manager":"poetry"}}`, `{}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := test.project
			if project == nil {
				project = nodeProject("")
			}
			r, err := Load(project, Options{Base: "debian", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, "")
			in := r.TagInputs()
			if lock, source := canonical(t, in.LockExtra), canonical(t, in.SourceExtra); lock != test.lock || source != test.source {
				t.Errorf("got\n%s\n%s\nwant\n%s\n%s", lock, source, test.lock, test.source)
			}
		})
	}
}

// uvProject returns a project of uv with more lines in its manifest.
func uvProject(more string) fstest.MapFS {
	return projecttest.Files("uv.lock", "", "pyproject.toml", "[project]\nname = 'own'\nversion = '1'\n"+more)
}

func canonical(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	projecttest.CheckError(t, err, "")
	text, err := jsoncanonicalizer.Transform(raw)
	projecttest.CheckError(t, err, "")
	return string(text)
}

func TestTagInputs(t *testing.T) {
	openhands := projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", "")
	tests := []struct {
		name    string
		project fstest.MapFS
		opts    Options
		want    tags.Inputs
	}{
		{"node", nodeProject(""), Options{Base: "debian", Repository: "a/b", NoBrowser: true}, tags.Inputs{
			Base: "debian", Repository: "a/b", Version: "1.2.3", LockFiles: []string{"package.json", "package-lock.json"},
			Source:    tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}, Ignore: alwaysIgnored},
			LockExtra: map[string]any{}, SourceExtra: map[string]any{},
			DepsExtra: map[string]any{"profile": "node", "manager": "npm"},
		}},
		{"mirrors", nodeProject("network: {mirrors: {\"https://a.example\": \"https://b.example\"}}"), Options{Base: "debian"}, tags.Inputs{
			Base: "debian", Version: "1.2.3", LockFiles: []string{"package.json", "package-lock.json"},
			Source:    tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}, Ignore: alwaysIgnored},
			LockExtra: map[string]any{}, SourceExtra: map[string]any{},
			DepsExtra: map[string]any{"profile": "node", "manager": "npm", "mirrors": map[string]string{"https://a.example": "https://b.example"}},
		}},
		{"openhands", openhands, Options{NoBrowser: true}, tags.Inputs{
			Base: "nikolaik/python-nodejs:python3.12-nodejs22", Version: "0.62.0", NoBrowser: true,
			LockFiles: []string{"pyproject.toml", "poetry.lock"}, LookIn: []string{"openhands", "."},
			Source: tags.Source{
				Paths:    []tags.Path{{Path: "openhands", Hash: true}, {Path: "microagents", Optional: true}, {Path: "skills", Optional: true}},
				Original: true, NoCopy: []string{"*.md"},
			},
			LockExtra: map[string]any{}, SourceExtra: map[string]any{},
			DepsExtra: map[string]any{"profile": "openhands", "manager": "poetry"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(test.project, test.opts)
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(test.want, r.TagInputs()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestNothingSecretIsCopied shows what an image holds of a project, whatever its .dockerignore takes back.
func TestNothingSecretIsCopied(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"package.json", "package-lock.json", ".dockerignore", "runtime.yaml", "src/a.js", "src/.env.local", "src/.npmrc", "src/x.pyc",
		".git/config", ".netrc", "node_modules/a/a.js", "src/node_modules/b/b.js", "src/__pycache__/a", ".venv/x", "docs/a.md", "src/a.log",
	} {
		file := filepath.Join(root, name)
		content := map[string]string{
			"package.json": "{}", ".dockerignore": "*\n!src\n!package*.json\n!.git\n", "runtime.yaml": "base: debian\nignore: ['**/*.log']\n",
		}[name]
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Load(os.DirFS(root), Options{})
	projecttest.CheckError(t, err, "")
	_, tree, err := tags.Compute(t.Context(), root, r.TagInputs())
	projecttest.CheckError(t, err, "")
	var got []string
	for _, e := range tree.Entries {
		got = append(got, e.Path)
	}
	if diff := cmp.Diff([]string{"package-lock.json", "package.json", "src", "src/a.js"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestToolsDigest(t *testing.T) {
	node := func(yaml string) *Runtime {
		t.Helper()
		r, err := Load(nodeProject(yaml), Options{Base: "debian"})
		projecttest.CheckError(t, err, "")
		return r
	}
	digest := node("").ToolsDigest()
	if want := "sha256:3fc4fc566b87d42b01246e52a09efc1cd4756d387aaf757781ca0110793f27b5"; digest != want {
		t.Errorf("got %s, want %s", digest, want)
	}
	sum := strings.Repeat("0a", 32)
	for _, yaml := range []string{
		"packages: [git]", "packages: {apt: [git]}", "tools: [{name: a, version: 1, url: 'https://e.com', sha256: {amd64: " + sum + "}}]",
		"runtime: {node: 24}", "prefix: /x", "user: root", "user: {uid: 7}", "network: {mirrors: {'https://a.com': 'https://b.com'}}",
	} {
		if node(yaml).ToolsDigest() == digest {
			t.Errorf("%s is not in the digest", yaml)
		}
	}
	for _, yaml := range []string{
		"base: a", "repository: a", "version: 2", "dependencies: {files: [x]}", "source: [{path: x}]", "ignore: [a]", "cmd: [a]",
		"entrypoint: [a]", "workdir: /x", "expose: [1]", "extra: a", "env: {A: 1}", "dependencies: {env: {A: 1}}", "network: {mirrors: {}}",
	} {
		if node(yaml).ToolsDigest() != digest {
			t.Errorf("%s is in the digest", yaml)
		}
	}
	if (&Runtime{}).ToolsDigest() != (&Runtime{Env: map[string]string{}, Tools: []Tool{}}).ToolsDigest() {
		t.Error("empty is not empty")
	}
}

// TestToolsOfByteCodeAreOthers: micromamba's environment has byte code, too. The program that installs the dependencies changes no tools.
func TestToolsOfByteCodeAreOthers(t *testing.T) {
	digest := func(yaml string) string {
		t.Helper()
		r, err := Load(projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", ""), Options{Data: []byte(yaml)})
		projecttest.CheckError(t, err, "")
		return r.ToolsDigest()
	}
	byDefault, startup, none := digest(""), digest("bytecode: startup"), digest("bytecode: none")
	if startup == byDefault || none == byDefault || startup == none {
		t.Errorf("the digests are %s, %s and %s", byDefault, startup, none)
	}
	for _, yaml := range []string{"bytecode: all", "dependencies: {installer: poetry}"} {
		if got := digest(yaml); got != byDefault {
			t.Errorf("%s: got %s, want %s", yaml, got, byDefault)
		}
	}
}

// TestToolsOfAMirrorAreOthers: micromamba takes poetry and python from conda.anaconda.org without a checksum, so a mirror decides what
// they are.
func TestToolsOfAMirrorAreOthers(t *testing.T) {
	digest := func(yaml string) string {
		t.Helper()
		r, err := Load(projecttest.Files("pyproject.toml", openhandsPyproject, "poetry.lock", ""), Options{Data: []byte(yaml)})
		projecttest.CheckError(t, err, "")
		return r.ToolsDigest()
	}
	const without = "sha256:d167e56a51ccf0352418815f19a256673aa82db945ceb254b4e377dab54295e4"
	seen := map[string]string{}
	for _, yaml := range []string{
		"", "network: {mirrors: {'https://conda.anaconda.org': 'https://a.example'}}", "network: {mirrors: {'https://conda.anaconda.org': 'https://b.example'}}",
	} {
		got := digest(yaml)
		if (got == without) != (yaml == "") {
			t.Errorf("%q: got %s", yaml, got)
		}
		if other, known := seen[got]; known {
			t.Errorf("%q and %q have one digest", yaml, other)
		}
		seen[got] = yaml
	}
}

// TestNamedMirrors: a mirror has the same digest under its name and under the addresses that the name stands for, and is in no tag.
func TestNamedMirrors(t *testing.T) {
	load := func(mirrors string) *Runtime {
		t.Helper()
		r, err := Load(nodeProject("network: {mirrors: "+mirrors+"}"), Options{Base: "debian"})
		projecttest.CheckError(t, err, "")
		return r
	}
	named := load("{npm: 'https://a.example', github: 'https://b.example'}")
	npm := llb.Sites()["npm"].Addresses
	written := load("{'https://github.com': 'https://b.example', '" + npm[0] + "': 'https://a.example', '" + npm[1] + "': 'https://a.example'}")
	one, two := named.TagInputs(), written.TagInputs()
	if diff := cmp.Diff(one.DepsExtra, two.DepsExtra); diff != "" || named.ToolsDigest() != written.ToolsDigest() {
		t.Errorf("tools digests %s and %s, further inputs: %s", named.ToolsDigest(), written.ToolsDigest(), diff)
	}
	if len(one.LockExtra)+len(one.SourceExtra) > 0 {
		t.Errorf("in tags are %v and %v", one.LockExtra, one.SourceExtra)
	}
}

// TestNoProfile shows that a runtime that was not loaded has no defaults.
func TestNoProfile(t *testing.T) {
	in := (&Runtime{Prefix: "/x"}).TagInputs()
	if got := canonical(t, in.LockExtra); got != `{"prefix":"/x"}` || len(in.SourceExtra) > 0 {
		t.Errorf("got %s and %v", got, in.SourceExtra)
	}
}

func TestCode(t *testing.T) {
	if got := (&Runtime{Prefix: "/agent"}).Code(); got != "/agent/code" {
		t.Errorf("got %s", got)
	}
}
