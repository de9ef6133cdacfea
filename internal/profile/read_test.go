package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestOnlyRegularFilesAreRead puts all that is no regular file of the project in the place of every file that is read of one.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	python := []string{"requirements.txt", "-r more.txt\n", "more.txt", "a==1\n", "pyproject.toml", "", runtimefile.Name, "base: a", dockerignore, ""}
	node := []string{manifests.PackageJSON, "{}", "package-lock.json", "{}", runtimefile.Name, "base: a", dockerignore, ""}
	uv := []string{"pyproject.toml", "", "uv.lock", "", runtimefile.Name, "base: a"}
	openhands := []string{"openhands/pyproject.toml", "version = 1", runtimefile.Name, "profile: openhands"}
	tests := []struct {
		name    string
		project []string
	}{
		{runtimefile.Name, node}, {dockerignore, node}, {manifests.PackageJSON, node}, {"pyproject.toml", uv}, {"openhands/pyproject.toml", openhands},
		{"requirements.txt", python}, {"more.txt", python}, {dockerignore, python}, {"pyproject.toml", python},
	}
	for _, test := range tests {
		for kind, odd := range projecttest.Odd {
			t.Run(test.name+", "+kind, func(t *testing.T) {
				root := filepath.Join(projecttest.Tree(t, append([]string{"in/", ""}, prefixed("in/", test.project)...)...), "in")
				project, err := projectfile.Confined(root)
				projecttest.Must(t, err)
				if _, err := Load(project, Options{}); err != nil {
					t.Fatalf("as it should be: %v", err)
				}
				projecttest.Must(t, os.Remove(filepath.Join(root, test.name)))
				odd.Put(t, root, test.name)
				_, err = Load(project, Options{})
				var fault *projectfile.Error
				if !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), test.name+odd.Want) || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

func prefixed(prefix string, nameContent []string) []string {
	all := append([]string{}, nameContent...)
	for i := 0; i < len(all); i += 2 {
		all[i] = prefix + all[i]
	}
	return all
}

// TestAbsoluteLinksWithin shows that a link may be absolute, if it stays in the context: as it may for lock files and source.
func TestAbsoluteLinksWithin(t *testing.T) {
	for _, test := range []struct {
		name    string
		project []string
	}{
		{manifests.PackageJSON, []string{manifests.PackageJSON, "{}", "package-lock.json", "{}", runtimefile.Name, "base: a"}},
		{runtimefile.Name, []string{manifests.PackageJSON, "{}", "package-lock.json", "{}", runtimefile.Name, "base: a"}},
		{"more.txt", []string{"requirements.txt", "-r more.txt\n", "more.txt", "a==1\n", runtimefile.Name, "base: a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := projecttest.Tree(t, test.project...)
			projecttest.Must(t, os.Rename(filepath.Join(root, test.name), filepath.Join(root, "real")))
			projecttest.Must(t, os.Symlink(filepath.Join(root, "real"), filepath.Join(root, test.name)))
			project, err := projectfile.Confined(root)
			projecttest.Must(t, err)
			if _, err := Load(project, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestUnreadInWords shows that what the file system does not give is told by name and cause, without its calls, and with what to do.
func TestUnreadInWords(t *testing.T) {
	const typo = "typo.yaml: no such file or directory: name the runtime file with -f, or write a runtime.yaml"
	project := projecttest.Confined(t, manifests.PackageJSON, "{}", "package-lock.json", "{}", "requirements.txt", "-r no.txt")
	load := func(fsys fs.FS, o Options) func() error {
		return func() error { _, err := Load(fsys, o); return err }
	}
	tests := []struct {
		name string
		read func() error
		want string
		is   error
	}{
		{"a runtime file", load(project, Options{Name: "typo.yaml"}), typo, fs.ErrNotExist},
		{"a runtime file of the context", func() error { _, err := runtimefile.ReadRuntime(project, "typo.yaml"); return err }, typo, fs.ErrNotExist},
		{"a runtime file elsewhere", func() error { _, err := runtimefile.ReadNamed("typo.yaml"); return err }, typo, fs.ErrNotExist},
		{"below a file", load(project, Options{Name: "package.json/x"}), "package.json/x: not a directory: name the runtime file with -f, or write a runtime.yaml", syscall.ENOTDIR},
		{"another file", func() error { _, err := projectfile.ReadFile(project, "typo", 1); return err }, "typo: no such file or directory: create it, or name another", fs.ErrNotExist},
		{"denied", load(denied{nodeProject(""), manifests.PackageJSON}, Options{Base: "a"}), "package.json: permission denied: make it readable for this user", fs.ErrPermission},
		{"an include", load(project, Options{Base: "a", Profile: "python"}),
			"requirements.txt:1:1: the included file \"no.txt\" cannot be read: no such file or directory: create it, or remove the line", nil},
	}
	for _, test := range tests {
		err := test.read()
		if err == nil || strings.SplitN(err.Error(), "\n", 2)[0] != test.want || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: got %v", test.name, err)
		}
	}
}
