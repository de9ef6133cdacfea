package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"
)

// TestPoetryCache checks that steps share only those of Poetry's artifacts that poetry.lock names with their hash.
func TestPoetryCache(t *testing.T) {
	t.Parallel()
	program := must(filepath.Abs("../../llb/poetry_cache.py"))(t)
	dir := t.TempDir()
	write(t, dir, "poetry.lock", `[[package]]
files = [
    {file = "a-1.tar.gz", hash = "`+digest.FromString("a").String()+`"},
    {file = "b-1-py3-none-any.whl", hash = "`+digest.FromString("b").String()+`"},
    {file = "c-1-py3-none-any.whl", hash = "`+digest.FromString("c").String()+`"},
    {file = "d-1-py3-none-any.whl", hash = "`+digest.FromString("d").String()+`"},
]
`)
	hand := func(from, to string) []string {
		t.Helper()
		cmd := exec.Command("python3", program, from, to)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "POETRY_CACHE_DIR=/step.123456")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var files []string
		_ = filepath.WalkDir(filepath.Join(dir, to), func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				files = append(files, must(filepath.Rel(filepath.Join(dir, to), name))(t)+": "+string(must(os.ReadFile(name))(t)))
			}
			return nil
		})
		return files
	}
	if got := hand("shared", "own"); got != nil {
		t.Errorf("from an empty cache: %q", got)
	}
	for name, content := range map[string]string{
		"1/1/a-1.tar.gz":                  "a",
		"1/1/a-1-cp311-linux_x86_64.whl":  "built from a",
		"2/2/b-1-py3-none-any.whl":        "b",
		"3/3/c-1-py3-none-any.whl":        "not c",
		"4/4/e-1-py3-none-any.whl":        "built from a repository",
		"5/5/another-1-py3-none-any.whl":  "b", // a name that is not in the lock file
		"../elsewhere/d-py3-none-any.whl": "d",
	} {
		write(t, filepath.Join(dir, "own"), name, content)
	}
	write(t, dir, "shared/2/2/b-1-py3-none-any.whl", "poison")
	if err := os.Symlink("../elsewhere/d-py3-none-any.whl", filepath.Join(dir, "own/d-1-py3-none-any.whl")); err != nil {
		t.Fatal(err)
	}
	want := []string{"1/1/a-1.tar.gz: a", "2/2/b-1-py3-none-any.whl: b"}
	if got := hand("own", "shared"); !slices.Equal(got, want) {
		t.Errorf("the cache holds %q, want %q", got, want)
	}
	write(t, dir, "shared/1/1/a-2-py3-none-any.whl", "poison")
	if got := hand("shared", "another"); !slices.Equal(got, want) {
		t.Errorf("another step has %q, want %q", got, want)
	}
	if got := hand("another", "shared"); len(got) != len(want)+1 {
		t.Errorf("handed back twice: %q", got)
	}
}
