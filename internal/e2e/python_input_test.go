package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
)

// testPythonInput gives Poetry's project and the index the forms that they have in the world: what can be installed is installed, and
// all else ends with an error that names the cause.
func testPythonInput(t *testing.T) {
	builtOpenhands(t) // starts the mirror
	all := map[string]bool{"packaging-": true, "wheel-": true, "setuptools-": false}
	withGit := map[string]bool{"packaging-": true, "wheel-": true, "from_git-": true}
	repository := newGitProject(t)
	tests := []struct {
		name  string
		yaml  string                   // more of the runtime file
		git   string                   // the project depends on one in a git repository, on this server
		lock  func(lock string) string // changes the lock file
		fault testenv.Fault            // of the index
		holds map[string]bool          // what is installed; nil if the build fails
		err   []string                 // parts of its error
	}{
		{name: "a yanked release on an index without hashes", fault: wheelPage(t, `data-yanked="a bad release"`), holds: all},
		{name: "503 for ever", fault: unavailable(1 << 30), err: []string{"Failed to fetch", "/wheel-", "503 Service Unavailable"}},
		{name: "a lock file of Poetry 1.0", lock: legacyLock, holds: all},
		{name: "a lock file of a Poetry to come", lock: func(lock string) string {
			return strings.Replace(lock, `lock-version = "2.1"`, `lock-version = "3.0"`, 1)
		},
			err: []string{"read poetry.lock", "The lock file is not compatible with the current version of Poetry"}},
		{name: "a hash that the index lacks", lock: foreignHash, err: []string{"Hash mismatch for `wheel==", "sha256:" + strings.Repeat("0a", 32)}},
		{name: "no wheel for this platform", lock: foreignWheel, fault: wheelPage(t, "", "-py3-none-any.whl", "-cp39-cp39-win32.whl"),
			err: []string{"build Python packages without a wheel", "wheel==", "no wheels with a matching"}},
		{name: "a Python outside of the range", yaml: "runtime: {python: 3.99}", err: []string{"python 3.99 is required", "has 3.13", "no pinned python that fits"}},
		{name: "a git repository that asks for a password, and 503 for a moment", fault: unavailable(2), yaml: "packages: [python3-poetry, git]", git: repository.serve(t, "token"), holds: withGit},
		{name: "a git repository without git", git: repository.serve(t, ""),
			err: []string{"from-git comes from a git repository, but the image has no git: add it to packages: [git]"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := &project{dir: filepath.Join(t.TempDir(), "agent"), repository: oh.registry.Host + "/" + repositoryOf(t)}
			must(0, testmirror.PoetryProject(p.dir, oh.mirror))(t)
			yaml, mirrors := test.yaml, pythonMirrors(t, test.fault)
			if test.git != "" {
				mirrors["https://git.example.com"] = test.git
				repository.lock(t, p.dir)
			}
			if !strings.Contains(yaml, "packages:") {
				yaml += "\npackages: [python3-poetry]"
			}
			write(t, p.dir, "runtime.yaml", fmt.Sprintf("base: %s\nnetwork: {mirrors: %s}\n%s\ncmd: [python, main.py]\n", oh.base, must(json.Marshal(mirrors))(t), yaml))
			if test.lock != nil {
				write(t, p.dir, "poetry.lock", test.lock(read(t, p.dir, "poetry.lock")))
			}
			write(t, p.dir, "../netrc", "machine 127.0.0.1 login user password token\n")
			res := client(t, p.dir, p.openhandsArgs("solve", "--progress", "plain", "--retries", "0", "--secret", "id=netrc,src=../netrc")...)
			if test.holds != nil {
				succeeds(t, res)
				p.holdsProjects(t, test.holds)
				return
			}
			for _, part := range test.err {
				if _, said, _ := strings.Cut(res.stderr, "\nERROR: "); !strings.Contains(said, part) {
					t.Errorf("exit code %d, and the error lacks %q:\n%s", res.code, part, said)
				}
			}
		})
	}
}

// pythonMirrors returns the addresses of a mirror that has a fault. They are new, so that nothing of another test is in a cache.
func pythonMirrors(t *testing.T, fault testenv.Fault) map[string]string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault == nil || !fault(w, r) {
			oh.mirror.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	mirrors := oh.mirror.Mirrors()
	for site, address := range mirrors {
		mirrors[site] = strings.Replace(address, oh.mirror.URL, server.URL, 1)
	}
	return mirrors
}

// wheelPage returns a fault that answers for wheel with a page of HTML whose links have these attributes, and no digest. Pairs of
// texts are replaced in it.
func wheelPage(t *testing.T, attributes string, oldnew ...string) testenv.Fault {
	t.Helper()
	answer := httptest.NewRecorder()
	oh.mirror.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/pypi/simple/wheel/", nil))
	link := regexp.MustCompile(`(<a href="[^"#]*)#sha256=[0-9a-f]*"[^>]*>`)
	body := strings.NewReplacer(oldnew...).Replace(link.ReplaceAllString(answer.Body.String(), `$1" `+attributes+`>`))
	if answer.Code != http.StatusOK || body == answer.Body.String() {
		t.Fatalf("the index answers %d\n%s", answer.Code, body)
	}
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/pypi/simple/wheel/" {
			return false
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(body))
		return true
	}
}

var wheelLine = regexp.MustCompile(`(    \{file = "wheel-[0-9.]*-)([^"]*)(", hash = "sha256:)([0-9a-f]*)("\},\n)`)

// foreignHash changes the hash of wheel in a lock file, foreignWheel its platform.
func foreignHash(lock string) string {
	return wheelLine.ReplaceAllString(lock, "${1}${2}${3}"+strings.Repeat("0a", 32)+"${5}")
}
func foreignWheel(lock string) string {
	return wheelLine.ReplaceAllString(lock, "${1}cp39-cp39-win32.whl${3}${4}${5}")
}

// unavailable returns a fault that answers the first requests for a file of wheel with 503.
func unavailable(times int64) testenv.Fault {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/wheel-") || asked.Add(1) > times {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
}

// legacyLock writes a lock file as Poetry 1.0 did, with the files of all packages in one table.
func legacyLock(lock string) string {
	packageFiles := regexp.MustCompile(`(?s)name = "([^"]+)"\n(.*?)files = (\[\n.*?\n\])\n`)
	table := "\n[metadata.files]\n"
	lock = packageFiles.ReplaceAllStringFunc(lock, func(block string) string {
		parts := packageFiles.FindStringSubmatch(block)
		table += parts[1] + " = " + parts[3] + "\n"
		return fmt.Sprintf("name = %q\n%scategory = \"main\"\n", parts[1], parts[2])
	})
	lock = regexp.MustCompile(`groups = \["dev"\]\ncategory = "main"`).ReplaceAllString(lock, `category = "dev"`)
	lock = regexp.MustCompile(`groups = .*\n`).ReplaceAllString(lock, "")
	return strings.Replace(lock, `lock-version = "2.1"`, `lock-version = "1.0"`, 1) + table
}

// gitProject is a Python project in a git repository, https://git.example.com/from-git/.git, which servers on loopback stand in for.
type gitProject struct{ root, commit string }

func newGitProject(t *testing.T) gitProject {
	t.Helper()
	p := gitProject{root: t.TempDir()}
	dir := filepath.Join(p.root, "from-git")
	must(0, os.Mkdir(dir, 0o755))(t)
	write(t, dir, "pyproject.toml", "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[project]\nname = \"from-git\"\nversion = \"1.0\"\n")
	write(t, dir, "from_git.py", "")
	p.git(t, "init", "-q")
	p.git(t, "add", ".")
	p.git(t, "commit", "-q", "-m", "first")
	p.commit = p.git(t, "rev-parse", "HEAD")
	return p
}

func (p gitProject) git(t *testing.T, args ...string) string {
	t.Helper()
	args = append([]string{"-C", filepath.Join(p.root, "from-git"), "-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)
	return strings.TrimSpace(string(must(exec.CommandContext(t.Context(), "git", args...).Output())(t)))
}

// serve starts a server of the repository, and returns its address. With a password, it asks for it.
func (p gitProject) serve(t *testing.T, password string) string {
	t.Helper()
	backend := &cgi.Handler{
		Path: filepath.Join(p.git(t, "--exec-path"), "git-http-backend"), Env: []string{"GIT_PROJECT_ROOT=" + p.root, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); got != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// lock makes a project depend on the repository, as "poetry add git+https://git.example.com/from-git/.git" would.
func (p gitProject) lock(t *testing.T, dir string) {
	t.Helper()
	edit(t, filepath.Join(dir, "pyproject.toml"), "wheel = \"*\"\n", "wheel = \"*\"\nfrom-git = {git = \"https://git.example.com/from-git/.git\"}\n")
	edit(t, filepath.Join(dir, "poetry.lock"), "f10f6d44523debd20e89000586d8d5b65353031d7a7ec50656fb8ccd3689ceaf", "15b2da98a16ecb65c862633296e7ce71339822b1d2cb8980bebb88437065f985")
	edit(t, filepath.Join(dir, "poetry.lock"), "[metadata]\n", fmt.Sprintf(`[[package]]
name = "from-git"
version = "1.0"
description = ""
optional = false
python-versions = "*"
groups = ["main"]
files = []
develop = false

[package.source]
type = "git"
url = "https://git.example.com/from-git/.git"
reference = "HEAD"
resolved_reference = %q

[metadata]
`, p.commit))
}
