package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

var markedLine = regexp.MustCompile(`(?m)^ *([0-9]+) \| >>> (.*)$`)

// marked returns the number of the first line that buildx marks, or 0.
func marked(res result) int {
	found := markedLine.FindStringSubmatch(res.stderr)
	if found == nil {
		return 0
	}
	line, _ := strconv.Atoi(found[1])
	return line
}

// markedText returns the text of that line.
func markedText(res result) string {
	if found := markedLine.FindStringSubmatch(res.stderr); found != nil {
		return found[2]
	}
	return ""
}

// refused builds, and checks for exit code 1, a text in the error, and a marked line.
func (p *project) refused(t *testing.T, want, line string, more ...string) result {
	t.Helper()
	res := buildx(t, p.dir, p.buildArgs(more...)...)
	p.isRefused(t, res, want, line)
	return res
}

func (p *project) isRefused(t *testing.T, res result, want, line string) {
	t.Helper()
	if res.code != 1 || !strings.Contains(res.errorLine(), want) || marked(res) == 0 || !strings.Contains(markedText(res), line) {
		t.Errorf("exit code %d, marked %q, want %q; error %q, want %q in it\n%s", res.code, markedText(res), line, res.errorLine(), want, res.stderr)
	}
}

// TestFrontendErrors checks that errors name the problem and mark the line that causes it.
func TestFrontendErrors(t *testing.T) {
	t.Parallel()
	ours := env.registry.Host + "/" + repositoryOf(t) + "/ours"
	labels := depsLabels()
	labels[ocispecs.AnnotationBaseImageName] = "debian:bookworm"
	pushLabelled(t, ours, "1", labels)
	absent := "# syntax=" + frontendRef(t) + "\nprofile: node\nbase: " + env.registry.Host + "/no/such:base\nrepository: " + ours +
		"\ndependencies: {manager: none}\n"
	for _, test := range []struct {
		name  string
		lines []string // more of the runtime file
		files map[string]string
		args  []string
		want  string
		line  string // a part of the marked line
	}{
		{"unknown field", []string{"pakages: [git]"}, nil, nil, `unknown field "pakages": did you mean "packages"?`, "pakages: [git]"},
		{"wrong type", []string{"expose: {a: b}"}, nil, nil, "expose must be", "expose: {a: b}"},
		{"syntax error", []string{"workdir: a: b", "cmd: [node]"}, nil, nil, "not valid YAML: mapping values are not allowed", "workdir: a: b"},
		{"field twice", []string{"version: 2.0.0"}, nil, nil, "version", "version: 2.0.0"},
		{"two documents", []string{"---", "base: debian:bookworm"}, nil, nil, "document", "---"},
		{"absent base", nil, nil, []string{"BASE_IMAGE=" + env.registry.Host + "/no/such:base"}, "no/such:base does not exist", "# syntax="},
		{"absent base in the file", []string{"prefix: /agent"}, map[string]string{"runtime.yaml": absent}, nil, "no/such:base does not exist", "base: "},
		{"base of ours", nil, nil, []string{"BASE_IMAGE=" + ours + ":1"}, "use its own base, debian:bookworm", "# syntax="},
		{"failing extra", []string{"cmd: [node]", "extra: echo useful output; exit 9"}, nil, nil, "exit code 9", "extra: echo"},
		{"failing EXTRA_DEPS", nil, nil, []string{"EXTRA_DEPS=exit 8"}, "exit code 8", "# syntax="},
		{"unreachable registry", nil, nil, []string{"REPOSITORY=127.0.0.1:1/x/y"}, "connection refused (set by build argument REPOSITORY)", "# syntax="},
		{"bad repository", nil, nil, []string{"REPOSITORY=Not/Valid"}, "Not/Valid", "# syntax="},
		{"wrong variant", nil, nil, []string{"VARIANT=versioned"}, "variant versioned cannot be built: no deps image under the versioned tag", "# syntax="},
		{"everything ignored", []string{"ignore: ['*']"}, nil, nil, "nothing to hash", "profile: node"}, // the profile sets the default of source
		{"no source directory", []string{"source: [{path: lib}]"}, nil, nil, `"lib"`, "source: [{path: lib}]"},
		{"link outside", []string{"cmd: [node]", "source: [{path: .}]"}, map[string]string{"->out": "/etc/hostname"}, nil, "leave the context", "source: [{path: .}]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := probe(t, test.lines...)
			for name, content := range test.files {
				if link, ok := strings.CutPrefix(name, "->"); ok {
					if err := os.Symlink(content, filepath.Join(p.dir, link)); err != nil {
						t.Fatal(err)
					}
					continue
				}
				write(t, p.dir, name, content)
			}
			var args []string
			for _, arg := range test.args {
				args = append(args, "--build-arg", arg)
			}
			p.refused(t, test.want, test.line, args...)
		})
	}
}

// TestFrontendFailedSteps checks that the error of a failed step has its output, its line of the runtime file and its exit code.
func TestFrontendFailedSteps(t *testing.T) {
	t.Parallel()
	p := withDependencies(t)
	write(t, p.dir, "package.json", `{"name":"fail","version":"1.0.0"}`)
	if res := p.refused(t, "step npm-ci failed: exit code 7", "dependencies: {manager: npm}"); !strings.Contains(res.stderr, "npm error code EFAIL") {
		t.Errorf("its output is not told:\n%s", res.stderr)
	}
	edit(t, filepath.Join(p.dir, "runtime.yaml"), "packages: []", "packages: [no-such-package]")
	if res := p.refused(t, "step install-no-such-package failed: exit code 100", "packages: [no-such-package]"); !strings.Contains(res.stderr, "Unable to locate package no-such-package") {
		t.Errorf("its output is not told:\n%s", res.stderr)
	}
}

// TestFrontendProjectErrors checks errors of a project's files.
func TestFrontendProjectErrors(t *testing.T) {
	t.Parallel()
	base := must(pushProbeBase())(t)
	for _, test := range []struct {
		name  string
		lines []string
		files map[string]string
		want  string
		line  string
		in    string // the file that is shown
	}{
		{"no repository", []string{"base: " + base, "profile: node", "user: root", "packages: []", "dependencies: {manager: none}"},
			map[string]string{"a": "a"}, "no repository", "profile: node", "runtime.yaml"},
		{"no lock file", []string{"base: " + base, "repository: x.example.com/y", "profile: node"}, map[string]string{"package.json": "{}"},
			"package-lock.json", "# syntax=", "runtime.yaml"},
		{"no profile", []string{"base: " + base}, map[string]string{"a": "a"}, "no profile fits", "# syntax=", "runtime.yaml"},
		{"no base", []string{"repository: x.example.com/y"}, map[string]string{"requirements.txt": ""}, "or give --build-arg BASE_IMAGE=IMAGE", "# syntax=", "runtime.yaml"},
		{"empty file", nil, map[string]string{"requirements.txt": ""}, "no base image is named", "# syntax=", "runtime.yaml"},
		{"requirements", []string{"base: " + base, "repository: x.example.com/y"},
			map[string]string{"requirements.txt": "six==1.16.0\nrequests>=2\n"}, "requests", "requests>=2", "requirements.txt"},
		{"included requirements", []string{"base: " + base, "repository: x.example.com/y"},
			map[string]string{"requirements.txt": "-r more/dev.txt\n", "more/dev.txt": "\n\nrequests\n"}, "requests", "requests", "more/dev.txt"},
		{"version of node", []string{"base: " + env.base, "repository: " + env.registry.Host + "/" + repositoryOf(t), "runtime: {node: 12}"},
			map[string]string{"package.json": "{}", "package-lock.json": `{"lockfileVersion":3,"packages":{}}`}, "node", "runtime: {node: 12}", "runtime.yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &project{dir: t.TempDir()}
			p.runtimeFile(t, test.lines...)
			for name, content := range test.files {
				write(t, p.dir, name, content)
			}
			res := p.refused(t, test.want, test.line)
			if test.in != "" && !strings.Contains(res.stderr, "\n"+test.in+":"+strconv.Itoa(marked(res))+"\n") {
				t.Errorf("the place is not in %s:\n%s", test.in, res.stderr)
			}
		})
	}
}

// TestFrontendNotARuntimeFile replaces the runtime file by something else.
func TestFrontendNotARuntimeFile(t *testing.T) {
	t.Parallel()
	p := probe(t)
	write(t, p.dir, "runtime.yaml", "# syntax="+frontendRef(t)+"\n\n# a comment\nFROM debian:bookworm\nRUN true\n")
	res := p.refused(t, "is a Dockerfile", "FROM debian:bookworm")
	if marked(res) != 4 || !strings.Contains(res.errorLine(), `remove the line "# syntax=..."`) {
		t.Errorf("line %d, %s", marked(res), res.errorLine())
	}
	res = buildctl(t, p.dir, "build", "--frontend", "gateway.v0", "--opt", "source="+frontendRef(t), "--opt", "filename=none.yaml",
		"--local", "context=.", "--local", "dockerfile=.")
	if res.code != 1 || !strings.Contains(res.stderr, "no such runtime file: name it with -f, relative to the context: open none.yaml") {
		t.Errorf("exit code %d\n%s", res.code, res.stderr)
	}
}

// TestFrontendUnknownTarget checks that the error lists the existing targets.
func TestFrontendUnknownTarget(t *testing.T) {
	t.Parallel()
	res := probe(t).refused(t, `unknown target "dep": it is one of source, deps, build, tools, system, extra, test, tags, plan`, "# syntax=", "--target", "dep")
	if strings.Contains(res.stderr, "hash the source") {
		t.Errorf("work was done before:\n%s", res.stderr)
	}
}

// TestFrontendRegistryErrors checks that only "not found" leads to a build, and other errors of a registry do not.
func TestFrontendRegistryErrors(t *testing.T) {
	p := probe(t)
	path := "/v2/" + strings.TrimPrefix(p.repository, env.registry.Host+"/") + "/manifests/"
	for code, want := range map[int]string{
		http.StatusUnauthorized: "may not read image", http.StatusForbidden: "may not read image",
		http.StatusTooManyRequests: "429", http.StatusInternalServerError: "500",
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			env.registry.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, path) {
					w.WriteHeader(code)
				}
				return strings.HasPrefix(r.URL.Path, path)
			})
			defer env.registry.SetFault(nil)
			if res := p.refused(t, want, "repository: "); strings.Contains(res.stderr, "[base]") {
				t.Errorf("it was built nevertheless:\n%s", res.stderr)
			}
		})
	}
	if made := p.exported(t, "plan"); made.Variant != "scratch" {
		t.Errorf("with the registry back the plan is %+v", made.planned)
	}
}

// TestFrontendCalls checks the subrequests, which describe a build without building.
func TestFrontendCalls(t *testing.T) {
	t.Parallel()
	p := probe(t)
	for call, want := range map[string][]string{
		"outline": {"BASE_IMAGE", must(pushProbeBase())(t), "RUNTIME_VERSION", "1.0.0", "npmrc", "HTTP_PROXY"},
		"targets": {"source (default)", "deps", "plan.json"},
	} {
		t.Run(call, func(t *testing.T) {
			res := succeeds(t, buildx(t, p.dir, p.buildArgs("--call", call)...))
			for _, text := range want {
				if !strings.Contains(res.stdout, text) {
					t.Errorf("%q is not in\n%s", text, res.stdout)
				}
			}
		})
	}
	t.Run("subrequests.describe", func(t *testing.T) {
		res := succeeds(t, buildx(t, p.dir, p.buildArgs("--call", "subrequests.describe")...))
		for _, name := range []string{"outline", "targets", "lint", "subrequests.describe"} {
			if !strings.Contains(res.stdout, name) {
				t.Errorf("%q is not in\n%s", name, res.stdout)
			}
		}
	})
	t.Run("outline in JSON", func(t *testing.T) {
		res := succeeds(t, buildx(t, p.dir, p.buildArgs("--call", "outline,format=json", "--target", "deps")...))
		var told struct {
			Name string
			Args []struct{ Name, Description, Value string }
		}
		if err := json.Unmarshal([]byte(res.stdout), &told); err != nil {
			t.Fatalf("%v in %s", err, res.stdout)
		}
		values := map[string]string{}
		for _, arg := range told.Args {
			values[arg.Name] = arg.Value
			if arg.Description == "" {
				t.Errorf("%s has no description", arg.Name)
			}
		}
		if told.Name != "deps" || values["REPOSITORY"] != p.repository || values["RUNTIME_VERSION"] != "1.0.0" || values["PROFILE"] != "node" {
			t.Errorf("the outline is %+v", told)
		}
	})
	t.Run("targets in JSON", func(t *testing.T) {
		res := succeeds(t, buildx(t, p.dir, p.buildArgs("--call", "targets,format=json")...))
		var told struct {
			Targets []struct {
				Name    string
				Default bool
			}
		}
		if err := json.Unmarshal([]byte(res.stdout), &told); err != nil || len(told.Targets) != 9 || told.Targets[0].Name != "source" || !told.Targets[0].Default {
			t.Errorf("%v, %+v", err, told)
		}
	})
}

// checked is the output of --call=check,format=json.
type checked struct {
	Warnings []struct {
		RuleName, Detail string
		Location         struct {
			Ranges []struct{ Start struct{ Line int } }
		}
	}
	BuildError *struct{ Message string }
}

func (p *project) check(t *testing.T, code int, more ...string) checked {
	t.Helper()
	res := buildx(t, p.dir, p.buildArgs(append([]string{"--call", "check,format=json"}, more...)...)...)
	var told checked
	if err := json.Unmarshal([]byte(res.stdout), &told); err != nil || res.code != code {
		t.Fatalf("exit code %d, want %d, %v in\n%s\n%s", res.code, code, err, res.stdout, res.stderr)
	}
	return told
}

// rules returns the findings as RULE:LINE.
func (c checked) rules() string {
	var all []string
	for _, w := range c.Warnings {
		line := 0
		if len(w.Location.Ranges) > 0 {
			line = w.Location.Ranges[0].Start.Line
		}
		all = append(all, w.RuleName+":"+strconv.Itoa(line))
	}
	return strings.Join(all, " ")
}

// TestFrontendCheck checks findings, and errors that prevent a build.
func TestFrontendCheck(t *testing.T) {
	t.Parallel()
	p := probe(t, "cmd: [node, main.js]")
	write(t, p.dir, "id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n")
	if got := p.check(t, 1).rules(); got != "SecretInSource:0 UnpinnedBase:3" {
		t.Errorf("the findings are %q", got)
	}
	res := buildx(t, p.dir, p.buildArgs("--check")...)
	if res.code != 1 || !strings.Contains(res.stdout, "WARNING: UnpinnedBase") || !strings.Contains(res.stdout, ">>> base: ") {
		t.Errorf("exit code %d\n%s\n%s", res.code, res.stdout, res.stderr)
	}
	if got := p.check(t, 0, "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all").rules(); got != "" {
		t.Errorf("with all skipped the findings are %q", got)
	}
	if got := p.check(t, 1, "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=SecretInSource").rules(); got != "UnpinnedBase:3" {
		t.Errorf("with one skipped the findings are %q", got)
	}
	file := filepath.Join(p.dir, "runtime.yaml")
	edit(t, file, "\nprofile:", "\n# check=skip=UnpinnedBase,SecretInSource\nprofile:")
	if got := p.check(t, 0).rules(); got != "" {
		t.Errorf("with a line that skips them the findings are %q", got)
	}
	edit(t, file, "version: 1.0.0", "vresion: 1.0.0")
	told := p.check(t, 1)
	if told.BuildError == nil || !strings.Contains(told.BuildError.Message, `unknown field "vresion"`) {
		t.Errorf("of a file that cannot be read it says %+v", told)
	}
	if res := buildx(t, p.dir, p.buildArgs("--check")...); res.code != 1 || !strings.Contains(res.stdout+res.stderr, ">>> vresion: 1.0.0") {
		t.Errorf("exit code %d\n%s\n%s", res.code, res.stdout, res.stderr)
	}
}
