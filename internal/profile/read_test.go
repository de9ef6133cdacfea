package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// odd puts something that is no regular file of the project at a name.
var odd = map[string]struct {
	put  func(t *testing.T, root, name string)
	want string // of the error
}{
	"a pipe": {func(t *testing.T, root, name string) {
		must(t, syscall.Mkfifo(filepath.Join(root, name), 0o644))
	}, ": it is a pipe, not a regular file: put a regular file there"},
	"a link to a pipe": {func(t *testing.T, root, name string) {
		must(t, syscall.Mkfifo(filepath.Join(root, name+".pipe"), 0o644))
		must(t, os.Symlink(filepath.Base(name)+".pipe", filepath.Join(root, name)))
	}, ": it is a pipe, not a regular file: put a regular file there"},
	"a socket": {func(t *testing.T, root, name string) {
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(root, name), Net: "unix"})
		must(t, err)
		t.Cleanup(func() { _ = listener.Close() })
	}, ": it is a socket, not a regular file: put a regular file there"},
	"a directory": {func(t *testing.T, root, name string) {
		must(t, os.Mkdir(filepath.Join(root, name), 0o755))
	}, ": it is a directory, not a regular file: put a regular file there"},
	"a link to a secret": {func(t *testing.T, root, name string) {
		secret := filepath.Join(t.TempDir(), "secret")
		must(t, os.WriteFile(secret, []byte("password: hunter2 : y"), 0o644))
		must(t, os.Symlink(secret, filepath.Join(root, name)))
	}, ": a link leads out of the context, and nothing is read there: copy what it points to into the context"},
	"a link upwards": {func(t *testing.T, root, name string) {
		must(t, os.WriteFile(filepath.Join(filepath.Dir(root), "secret"), []byte("password: hunter2 : y"), 0o644))
		must(t, os.Symlink(strings.Repeat("../", 1+strings.Count(name, "/"))+"secret", filepath.Join(root, name)))
	}, ": a link leads out of the context, and nothing is read there: copy what it points to into the context"},
	"a link to a device": {func(t *testing.T, root, name string) {
		must(t, os.Symlink("/dev/zero", filepath.Join(root, name)))
	}, ": a link leads out of the context, and nothing is read there: copy what it points to into the context"},
	"a circle": {func(t *testing.T, root, name string) {
		must(t, os.Symlink(filepath.Base(name), filepath.Join(root, name)))
	}, ": its links lead in a circle, or through too many others: put a regular file there"},
	"a huge file": {func(t *testing.T, root, name string) {
		must(t, os.WriteFile(filepath.Join(root, name), nil, 0o644))
		must(t, os.Truncate(filepath.Join(root, name), 40_000_000_000))
	}, ": it has 40000000000 bytes or more, and at most"},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestOnlyRegularFilesAreRead puts all that is no regular file of the project in the place of every file that is read of one.
func TestOnlyRegularFilesAreRead(t *testing.T) {
	python := []string{"requirements.txt", "-r more.txt\n", "more.txt", "a==1\n", "pyproject.toml", "", fileName, "base: a", dockerignore, ""}
	node := []string{packageJSON, "{}", "package-lock.json", "{}", fileName, "base: a", dockerignore, ""}
	uv := []string{"pyproject.toml", "", "uv.lock", "", fileName, "base: a"}
	openhands := []string{"openhands/pyproject.toml", "version = 1", fileName, "profile: openhands"}
	tests := []struct {
		name    string
		project []string
	}{
		{fileName, node}, {dockerignore, node}, {packageJSON, node}, {"pyproject.toml", uv}, {"openhands/pyproject.toml", openhands},
		{"requirements.txt", python}, {"more.txt", python}, {dockerignore, python}, {"pyproject.toml", python},
	}
	for _, test := range tests {
		for kind, odd := range odd {
			t.Run(test.name+", "+kind, func(t *testing.T) {
				root := filepath.Join(tree(t, append([]string{"in/", ""}, prefixed("in/", test.project)...)...), "in")
				project, err := Confined(root)
				must(t, err)
				if _, err := Load(project, Options{}); err != nil {
					t.Fatalf("as it should be: %v", err)
				}
				must(t, os.Remove(filepath.Join(root, test.name)))
				odd.put(t, root, test.name)
				_, err = Load(project, Options{})
				var fault *Error
				if !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), test.name+odd.want) || strings.Contains(err.Error(), "hunter2") {
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

// TestReadFile shows what is read: regular files, by links within the context too, up to the limit.
func TestReadFile(t *testing.T) {
	project := confinedDir(t, "a", "12345", "d/b", "->../a", "c", "->d/b", "e", "->d", "gone", "->nothing")
	tests := []struct {
		name  string
		limit int64
		want  string
		err   string
		is    error
	}{
		{"a", 5, "12345", "", nil}, {"d/b", 5, "12345", "", nil}, {"c", 5, "12345", "", nil}, {"e/b", 5, "12345", "", nil},
		{"a", 4, "", "a: it has 5 bytes or more, and at most 0 MiB of such a file are read: check that it is the file that is meant", nil},
		{"nothing", 5, "", "", fs.ErrNotExist}, {"gone", 5, "", "", fs.ErrNotExist}, {"../x", 5, "", "", fs.ErrInvalid}, {"a/b", 5, "", "", syscall.ENOTDIR},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data, err := ReadFile(project, test.name, test.limit)
			if string(data) != test.want || test.err != "" && (err == nil || err.Error() != test.err) || test.is != nil && !errors.Is(err, test.is) ||
				test.err == "" && test.is == nil && err != nil {
				t.Errorf("got %q, %v", data, err)
			}
		})
	}
}

// TestAbsoluteLinksWithin shows that a link may be absolute, if it stays in the context: as it may for lock files and source.
func TestAbsoluteLinksWithin(t *testing.T) {
	for _, test := range []struct {
		name    string
		project []string
	}{
		{packageJSON, []string{packageJSON, "{}", "package-lock.json", "{}", fileName, "base: a"}},
		{fileName, []string{packageJSON, "{}", "package-lock.json", "{}", fileName, "base: a"}},
		{"more.txt", []string{"requirements.txt", "-r more.txt\n", "more.txt", "a==1\n", fileName, "base: a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, test.project...)
			must(t, os.Rename(filepath.Join(root, test.name), filepath.Join(root, "real")))
			must(t, os.Symlink(filepath.Join(root, "real"), filepath.Join(root, test.name)))
			project, err := Confined(root)
			must(t, err)
			if _, err := Load(project, Options{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// replaced is a project in which a file is replaced between the look at it and the opening.
type replaced struct {
	*contextfs.FS
	replace func()
}

func (r replaced) Open(name string) (fs.File, error) {
	r.replace()
	return r.FS.Open(name)
}

// TestReadFileLooksAgain replaces a file at the worst moment.
func TestReadFileLooksAgain(t *testing.T) {
	for kind, odd := range odd {
		t.Run(kind, func(t *testing.T) {
			root := filepath.Join(tree(t, "in/a", "1"), "in")
			project, err := Confined(root)
			must(t, err)
			_, err = ReadFile(replaced{project, func() {
				must(t, os.Remove(filepath.Join(root, "a")))
				odd.put(t, root, "a")
			}}, "a", 10)
			if err == nil || !strings.HasPrefix(err.Error(), "a"+odd.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestGrowingFile reads a file that has more than it says.
func TestGrowingFile(t *testing.T) {
	// Files of /proc have size 0, whatever they hold.
	if _, err := ReadFile(anywhere{}, "/proc/cpuinfo", 10); err == nil || !strings.HasPrefix(err.Error(), "/proc/cpuinfo: it has 11 bytes or more") {
		t.Errorf("got %v", err)
	}
}

// TestReadNamed shows that a file that the user names may lie anywhere, and that nothing else is waited for.
func TestReadNamed(t *testing.T) {
	dir := tree(t, "a", "1", "l", "->a")
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	r, w, err := os.Pipe()
	must(t, err)
	defer r.Close()
	defer w.Close()
	tests := []struct{ name, want, err string }{
		{filepath.Join(dir, "l"), "1", ""},
		{filepath.Join(dir, "pipe"), "", "it is a pipe, not a regular file"},
		{"/dev/zero", "", "it is a device, not a regular file"},
		{dir, "", "it is a directory, not a regular file"},
		{filepath.Join("/proc/self/fd", fmt.Sprint(r.Fd())), "", "it is a pipe, not a regular file"},
	}
	for _, test := range tests {
		data, err := ReadNamed(test.name)
		if string(data) != test.want || (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.name+": "+test.err) {
			t.Errorf("%s: got %q, %v", test.name, data, err)
		}
	}
}

// TestUnreadInWords shows that what the file system does not give is told by name and cause, without its calls, and with what to do.
func TestUnreadInWords(t *testing.T) {
	const typo = "typo.yaml: no such file or directory: name the runtime file with -f, or write a runtime.yaml"
	project := confinedDir(t, packageJSON, "{}", "package-lock.json", "{}", "requirements.txt", "-r no.txt")
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
		{"a runtime file of the context", func() error { _, err := ReadRuntime(project, "typo.yaml"); return err }, typo, fs.ErrNotExist},
		{"a runtime file elsewhere", func() error { _, err := ReadNamed("typo.yaml"); return err }, typo, fs.ErrNotExist},
		{"below a file", load(project, Options{Name: "package.json/x"}), "package.json/x: not a directory: name the runtime file with -f, or write a runtime.yaml", syscall.ENOTDIR},
		{"another file", func() error { _, err := ReadFile(project, "typo", 1); return err }, "typo: no such file or directory: create it, or name another", fs.ErrNotExist},
		{"denied", load(denied{nodeProject(""), packageJSON}, Options{Base: "a"}), "package.json: permission denied: make it readable for this user", fs.ErrPermission},
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

// TestConfinedHoldsNothing shows that a context that was read can be unmounted, or removed, at once.
func TestConfinedHoldsNothing(t *testing.T) {
	root := tree(t, "a", "1", "d/b", "2", "l", "->a")
	project, err := Confined(root)
	must(t, err)
	for _, name := range []string{"a", "d/b", "l", "none"} {
		_, _ = ReadFile(project, name, 10)
		_, _ = fs.ReadDir(project, name)
	}
	held, err := filepath.Glob("/proc/self/fd/*")
	must(t, err)
	for _, fd := range held {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, root) {
			t.Errorf("%s is still open", to)
		}
	}
}
