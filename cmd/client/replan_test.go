package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// TestReplanning: a change is planned again, twice at most; whatever else goes wrong ends the command.
func TestReplanning(t *testing.T) {
	changed := &solve.ChangedError{Path: "app.js", Err: fs.ErrNotExist}
	other := errors.New("the registry is down")
	tests := []struct {
		name  string
		errs  []error // of one attempt after the other
		tries int
		want  string
		code  int
	}{
		{"nothing changes", []error{nil}, 1, "", 0},
		{"one change", []error{changed, nil}, 2, "", 0},
		{"two changes", []error{changed, withCode(exitBuild, changed), nil}, 3, "", 0},
		{"three changes", []error{changed, changed, changed, nil}, 3, "app.js changed after it was hashed: file does not exist; it was planned 3 times, " +
			"and something changed each time: stop what writes to the project, or add the file to ignore", exitUsage},
		{"a change, then another fault", []error{changed, other}, 2, "the registry is down", exitUsage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tries := 0
			err := replanning(func() error { tries++; return tt.errs[tries-1] })
			if tries != tt.tries {
				t.Errorf("%d attempts, want %d", tries, tt.tries)
			}
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if err == nil || err.Error() != tt.want || exitCode(err) != tt.code {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestPrepareCopiesWhatWasHashed: a file that changes between the hash and the copy is in no folder.
func TestPrepareCopiesWhatWasHashed(t *testing.T) {
	changes := map[string]func(file string) error{
		"rewritten": func(file string) error { return os.WriteFile(file, []byte("two"), 0o644) },
		"deleted":   os.Remove,
		"a link":    func(file string) error { return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)) },
	}
	for name, change := range changes {
		for _, file := range []string{"src/app.js", "package-lock.json"} {
			t.Run(name+" "+file, func(t *testing.T) {
				dir := tree{"package.json": "{}", "package-lock.json": "one", "src/app.js": "one", "runtime.yaml": "base: debian\n"}.write(t, t.TempDir())
				o := prepareOptions{folder: filepath.Join(t.TempDir(), "folder")}
				o.project.format = "text"
				p, err := o.project.read([]string{dir})
				if err != nil {
					t.Fatal(err)
				}
				f, err := newFolder(o.folder, p)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(p.compute(t.Context(), ""), change(filepath.Join(dir, file))); err != nil {
					t.Fatal(err)
				}
				var changed *solve.ChangedError
				if err := o.fill(t.Context(), f); !errors.As(err, &changed) || changed.Path != file {
					t.Errorf("got %v", err)
				}
				if _, err := os.Lstat(filepath.Join(o.folder, dockerfile)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the folder builds: %v", err)
				}
				if err := replanning(func() error { return runPrepare(t.Context(), t.Output(), &o, []string{dir}) }); name == "rewritten" && err != nil {
					t.Errorf("planned again: %v", err)
				}
			})
		}
	}
}

// TestReadIsWhatIsHashed: a manifest that changes between the reading of the runtime and the hash is planned again. Its command would
// be that of another tag.
func TestReadIsWhatIsHashed(t *testing.T) {
	for _, file := range []string{"package.json", "package-lock.json", ".dockerignore"} {
		t.Run(file, func(t *testing.T) {
			dir := tree{"package.json": `{"main":"a.js"}`, "package-lock.json": "{}", "a.js": "", ".dockerignore": "x\n", "runtime.yaml": "base: debian\n"}.write(t, t.TempDir())
			o := projectOptions{format: "text"}
			p, err := o.read([]string{dir})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), []byte(`{"main":"b.js"}`), 0o644); err != nil {
				t.Fatal(err)
			}
			var changed *solve.ChangedError
			err = p.compute(t.Context(), "")
			if _, read := p.read[file]; read && (!errors.As(err, &changed) || changed.Path != file) {
				t.Errorf("got %v", err)
			} else if !read && err != nil {
				t.Errorf("a file that was not read: %v", err)
			}
		})
	}
}

// TestReadTwiceWithAChangeBetween: version and command come from several readings of one manifest. Readings that differ are a change.
func TestReadTwiceWithAChangeBetween(t *testing.T) {
	dir := tree{"package.json": `{"main":"a.js"}`, "other.json": "{}"}.write(t, t.TempDir())
	files, err := profile.Confined(dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := newRecorder(files)
	read := func(name string) {
		if _, err := fs.ReadFile(seen, name); err != nil {
			t.Fatal(err)
		}
	}
	read("other.json")
	read("package.json")
	read("package.json")
	if name := seen.unsteady(); name != "" {
		t.Errorf("%s did not change", name)
	}
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"main":"b.js"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	read("package.json")
	if name := seen.unsteady(); name != "package.json" {
		t.Errorf("got %q", name)
	}
}
