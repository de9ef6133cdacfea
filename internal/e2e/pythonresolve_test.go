package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPythonResolve checks the requirements that each kind of package in a poetry.lock becomes, and which part it is in.
func TestPythonResolve(t *testing.T) {
	t.Parallel()
	const a, b = "sha256:aaaa", "sha256:bbbb"
	lock := `[[package]]
name = "Pure.Python"
version = "1.0"
files = [{file = "pure_python-1.0-py3-none-any.whl", hash = "` + a + `"}, {file = "pure_python-1.0.tar.gz", hash = "` + b + `"}]
[package.dependencies]
needed = "*"
[[package]]
name = "needed"
version = "2.0"
files = [{file = "needed-2.0-py2-none-any.whl", hash = "` + a + `"}, {file = "needed-2.0.tar.gz", hash = "` + b + `"}]
[[package]]
name = "private"
version = "3.0"
files = [{file = "private-3.0-py3-none-any.whl", hash = "` + a + `"}]
[package.source]
type = "legacy"
url = "https://index.example.com/simple"
reference = "private"
[[package]]
name = "repo"
version = "4.0"
files = []
[package.source]
type = "git"
url = "https://git.example.com/repo.git"
reference = "main"
resolved_reference = "0123456789abcdef"
subdirectory = "python"
[[package]]
name = "archive"
version = "5.0"
files = [{file = "archive-5.0.tar.gz", hash = "` + b + `"}]
[package.source]
type = "url"
url = "https://files.example.com/archive-5.0.tar.gz"
[[package]]
name = "unhashed"
version = "6.0"
files = []
`
	const older = "[[package]]\nname = \"old\"\nversion = \"1.0\"\n[metadata.files]\nold = [{file = \"old-1.0-py3-none-any.whl\", hash = \"" + a + "\"}]\n"
	for _, tt := range []struct {
		name, lock, plan, pin string
		want                  map[string]string // lines of the requirements files
		err                   string
	}{
		{name: "a wheel for every Python", plan: "  - Installing pure-python (1.0)", want: map[string]string{"parts/00/hashed.txt": "Pure.Python==1.0 --hash=" + a + " --hash=" + b}},
		{name: "what Poetry says of another version", plan: "  • Updating pure-python (0.9 -> 1.0)", want: map[string]string{"parts/00/hashed.txt": "Pure.Python==1.0 --hash=" + a + " --hash=" + b}},
		{name: "skipped, kept and removed", plan: "  - Installing needed (2.0): Skipped for the following reason: Not required\n  - Removing pip (25.0)\nPackage operations: 0 installs"},
		{name: "no wheel for this Python", plan: "  - Installing needed (2.0)", want: map[string]string{"build/hashed.txt": "needed==2.0 --hash=" + a + " --hash=" + b}},
		{name: "a private index", plan: "  - Installing private (3.0)", want: map[string]string{
			"parts/01/index-e9adccebdc9d.txt": "private==3.0 --hash=" + a, "parts/01/index-e9adccebdc9d.index": "https://mirror.example.com/simple",
		}},
		{name: "a git repository", plan: "  - Installing repo (4.0 0123456)", want: map[string]string{"build/unhashed.txt": "repo @ git+https://git.example.com/repo.git@0123456789abcdef#subdirectory=python"}},
		{name: "an address", plan: "  - Installing archive (5.0 https://files.example.com/archive-5.0.tar.gz)", want: map[string]string{
			"build/hashed.txt": "archive @ https://files.example.com/archive-5.0.tar.gz --hash=" + b,
		}},
		{name: "a package and what it needs", plan: "  - Installing pure-python (1.0)\n  - Installing needed (2.0)", pin: "pure_python", want: map[string]string{
			"parts/00/hashed.txt": "Pure.Python==1.0 --hash=" + a + " --hash=" + b, "build/hashed.txt": "needed==2.0 --hash=" + a + " --hash=" + b,
			"pins/hashed.txt": "Pure.Python==1.0 --hash=" + a + " --hash=" + b + "\nneeded==2.0 --hash=" + a + " --hash=" + b,
		}},
		{name: "a package that is not locked", pin: "playwright"},
		{name: "a lock file of Poetry 1.1", lock: older, plan: "  - Installing old (1.0)", want: map[string]string{"parts/01/hashed.txt": "old==1.0 --hash=" + a}},
		{name: "no hash", plan: "  - Installing unhashed (6.0)", err: "poetry.lock has no hash of unhashed 6.0: write the lock file again: poetry lock"},
		{name: "another lock file", plan: "  - Installing pure-python (7.0)", err: "poetry.lock has no pure-python 7.0, which Poetry would install"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "poetry.lock", lock)
			if tt.lock != "" {
				write(t, dir, "poetry.lock", tt.lock)
			}
			write(t, dir, "plan", tt.plan+"\n")
			args := []string{must(filepath.Abs("../../llb/python_resolve.py"))(t), "poetry.lock", "plan", "2", "out", "the-name"}
			if tt.pin != "" {
				args = append(args, tt.pin)
			}
			cmd := exec.Command("python3", args...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), `RTBUILD_MIRRORS={"https://index.example.com": "https://mirror.example.com"}`)
			said, err := cmd.CombinedOutput()
			if tt.err != "" {
				if err == nil || !strings.Contains(string(said), tt.err) {
					t.Errorf("got %q, want %q", said, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			got := map[string]string{}
			must(0, fs.WalkDir(os.DirFS(filepath.Join(dir, "out")), ".", func(name string, entry fs.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				content := strings.TrimSpace(string(must(os.ReadFile(filepath.Join(dir, "out", name)))(t)))
				if filepath.Base(name) != "name" {
					got[name] = content
				} else if content != "the-name" {
					t.Errorf("%s: %s", name, content)
				}
				return nil
			}))(t)
			if tt.want == nil {
				tt.want = map[string]string{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
