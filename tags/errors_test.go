package tags

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/distribution/reference"
)

// checkError compares the whole text of an error. An empty text wants no error.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func containsAll(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

func TestBadInputs(t *testing.T) {
	const (
		baseFix = "; write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case"
		repoFix = "; write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag"
		pathFix = ": it leaves the context; give a path below the context, relative to it"
	)
	tests := []struct {
		name   string
		change func(*Inputs)
		is     error  // nil accepts any error
		want   string // the whole text
	}{
		{
			"empty base", func(in *Inputs) { in.Base = "" }, reference.ErrReferenceInvalidFormat,
			`base image "": invalid reference format` + baseFix,
		}, {
			"base with a space", func(in *Inputs) { in.Base = "debian 12" }, reference.ErrReferenceInvalidFormat,
			`base image "debian 12": invalid reference format` + baseFix,
		}, {
			"base that is an image ID", func(in *Inputs) { in.Base = strings.Repeat("a", 64) }, nil,
			`base image "` + strings.Repeat("a", 64) + `": invalid repository name (` + strings.Repeat("a", 64) +
				`), cannot specify 64-byte hexadecimal strings` + baseFix,
		}, {
			"repository with a tag", func(in *Inputs) { in.Repository = "host:5000/x:y" }, errTagged,
			`repository "host:5000/x:y": it has a tag or a digest` + repoFix,
		}, {
			"repository in upper case", func(in *Inputs) { in.Repository = "host/X" }, nil,
			`repository "host/X": invalid reference format: repository name (host/X) must be lowercase` + repoFix,
		}, {
			"source path outside the context", func(in *Inputs) { in.Source.Paths[0].Path = "a/../../b" }, errOutside,
			`source path "a/../../b"` + pathFix,
		}, {
			"absolute source path", func(in *Inputs) { in.Source.Paths[0].Path = "/etc" }, errOutside,
			`source path "/etc"` + pathFix,
		}, {
			"empty source path", func(in *Inputs) { in.Source.Paths[0].Path = "" }, errOutside,
			`source path ""` + pathFix,
		}, {
			"lock file outside the context", func(in *Inputs) { in.LockFiles = []string{"../x"} }, errOutside,
			`dependency file "../x"` + pathFix,
		}, {
			"bad ignore pattern", func(in *Inputs) { in.Source.Ignore = []string{"ok", "a[b"} }, filepath.ErrBadPattern,
			`ignore pattern "a[b": syntax error in pattern; correct the pattern`,
		}, {
			"empty negated ignore pattern", func(in *Inputs) { in.Source.Ignore = []string{"!"} }, nil,
			`ignore pattern "!": illegal exclusion pattern: "!"; correct the pattern`,
		}, {
			"bad pattern of NoCopy", func(in *Inputs) { in.Source.NoCopy = []string{"[x"} }, path.ErrBadPattern,
			`uncopied name "[x": syntax error in pattern; correct the pattern`,
		}, {
			"extra inputs of the lock hash that are not JSON",
			func(in *Inputs) { in.LockExtra = map[string]any{"x": func() {}} }, nil,
			`encoding the extra inputs of a hash as JSON: json: unsupported type: func()`,
		}, {
			"extra inputs of the source hash that are not JSON",
			func(in *Inputs) { in.SourceExtra = map[string]any{"x": func() {}} }, nil,
			`encoding the extra inputs of a hash as JSON: json: unsupported type: func()`,
		},
	}
	root := tree(t, file("a", ""))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{Base: "debian", Source: Source{Paths: []Path{{Path: ".", Hash: true}}}}
			tt.change(&in)
			_, _, err := Compute(t.Context(), root, in)
			checkError(t, err, tt.want)
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("not %v", tt.is)
			}
		})
	}
}

func TestTooLongIgnorePattern(t *testing.T) {
	_, err := newRules(Source{Ignore: []string{strings.Repeat("x", 1<<20)}})
	var e *InputError
	if !errors.As(err, &e) || e.Input != "ignore list" {
		t.Errorf("got %.80v", err)
	}
}

// TestTooManyIgnorePatterns checks the limit of patterns. Each file is matched against each pattern, so the number of patterns
// determines how long a scan takes.
func TestTooManyIgnorePatterns(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"at the limit", slices.Repeat([]string{"x", "", "# y"}, maxIgnore), ""},
		{"above the limit", slices.Repeat([]string{"x"}, maxIgnore+1), `ignore list "1001 patterns": it has more than 1000; leave patterns out, or join them by "*"`},
		{"above the limit, in one text", []string{strings.Repeat("!x\n", maxIgnore+1)}, `ignore list "1001 patterns": it has more than 1000; leave patterns out, or join them by "*"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newRules(Source{Ignore: tt.lines})
			checkError(t, err, tt.want)
			var e *InputError
			if (tt.want != "") != errors.As(err, &e) {
				t.Errorf("%T", err)
			}
		})
	}
}

func TestBadContext(t *testing.T) {
	root := tree(t, file("a", ""), link("loop", "loop"))
	tests := []struct {
		name, at string
		is       error
	}{
		{"missing", "b", fs.ErrNotExist},
		{"file", "a", ErrKind},
		{"loop", "loop", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			at := filepath.Join(root, tt.at)
			_, _, err := Compute(t.Context(), at, Inputs{Base: "debian", Source: wholeTree})
			var e *InputError
			if !errors.As(err, &e) || e.Input != "context" || e.Value != at || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestBadSource(t *testing.T) {
	original := func(paths ...Path) Source { return Source{Paths: paths, Original: true} }
	hashed := func(p string) Path { return Path{Path: p, Hash: true} }
	tests := []struct {
		name    string
		entries []entry
		src     Source
		is      error
		want    string // the whole error
	}{
		{
			"nothing", []entry{dir("d"), link("l", "d")}, wholeTree, ErrNothing,
			`source ".": nothing to hash; check the source path and the ignore rules`,
		}, {
			"nothing in the only hashed path", []entry{file("a", ""), dir("src")}, original(hashed("src"), Path{Path: "."}), ErrNothing,
			`source "src": nothing to hash; check the source path and the ignore rules`,
		}, {
			"nothing in several hashed paths", []entry{dir("a"), dir("b")}, original(hashed("a"), hashed("b")), ErrNothing,
			`source ".": nothing to hash; check the source path and the ignore rules`,
		}, {
			"no hashed path", []entry{file("a", "")}, Source{Paths: []Path{{Path: "."}}}, ErrNothing,
			`source ".": nothing to hash; check the source path and the ignore rules`,
		}, {
			"missing", []entry{file("a", "")}, original(hashed("src")), fs.ErrNotExist,
			`source "src": no such file or directory; create it, or correct the list of source paths`,
		}, {
			"optional once, but not twice", []entry{file("a", "")},
			Source{Paths: []Path{hashed("."), {Path: "src", Optional: true}, {Path: "src/"}}}, fs.ErrNotExist,
			`source "src": no such file or directory; create it, or correct the list of source paths`,
		}, {
			"a file where the original wants a directory", []entry{file("a", "")}, original(hashed("a")), ErrKind,
			`source "a": not the right kind of file: not a directory; repair it, or leave it out of the source`,
		}, {
			"a pipe", []entry{{Path: "p", Type: "fifo"}}, Source{Paths: []Path{hashed("p")}}, ErrKind,
			`source "p": not the right kind of file: a named pipe; repair it, or leave it out of the source`,
		}, {
			"a directory linked into itself", []entry{file("a", ""), link("d/up", "..")}, wholeTree, ErrLoop,
			`source "d/up": the link forms a loop; remove the link, or let it point elsewhere`,
		}, {
			"a link to itself", []entry{file("a", ""), link("l", "l")}, wholeTree, ErrLoop,
			`source "l": the link forms a loop: too many levels of symbolic links; remove the link, or let it point to a file`,
		}, {
			"a source path that links to itself", []entry{file("a", ""), link("l", "l")}, Source{Paths: []Path{hashed("l")}}, ErrLoop,
			`source "l": the link forms a loop: too many levels of symbolic links; remove the link, or let it point to a file`,
		}, {
			"a link through a file", []entry{file("a", ""), link("l", "a/x")}, wholeTree, syscall.ENOTDIR,
			`source "l": not a directory; repair it, or leave it out of the source`,
		}, {
			"a name that is not UTF-8", []entry{file("a", ""), file("d/caf\xe9", "")}, wholeTree, ErrName,
			`source "d/caf\xe9": the name cannot be used: it is not UTF-8; rename it, or leave it out of the source`,
		}, {
			"a line feed, and a later error", []entry{file("a\nb", ""), link("z", "z"), file("a\nc", "")}, wholeTree, ErrName,
			`source "a\nb": the name cannot be used: it contains a line feed; rename it, or leave it out of the source`,
		}, {
			"a whiteout", []entry{file("a", ""), file("d/.wh.node_modules", "")}, wholeTree, ErrName,
			`source "d/.wh.node_modules": the name cannot be used: in an image layer, names that begin with .wh. delete files; rename it, or leave it out of the source`,
		}, {
			"a directory that is a whiteout", []entry{file("a", ""), file(".wh..wh..opq/x", "")}, wholeTree, ErrName,
			`source ".wh..wh..opq": the name cannot be used: in an image layer, names that begin with .wh. delete files; rename it, or leave it out of the source`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Compute(t.Context(), tree(t, tt.entries...), Inputs{Base: "debian", Source: tt.src})
			checkError(t, err, tt.want)
			var e *PathError
			if !errors.As(err, &e) || !errors.Is(err, tt.is) {
				t.Errorf("%T is not %v", err, tt.is)
			}
		})
	}
}

// TestLockFileNames checks that lock files have valid names: a deps image holds them in a layer of their own.
func TestLockFileNames(t *testing.T) {
	const fix = "; rename it, or correct the list of dependency files"
	const deletes = "the name cannot be used: in an image layer, names that begin with .wh. delete files"
	tests := []struct{ name, want string }{
		{".wh.node_modules", `lock file ".wh.node_modules": ` + deletes + fix},
		{".wh.d/f", `lock file ".wh.d/f": ` + deletes + fix},
		{"d/.wh..wh..opq", `lock file "d/.wh..wh..opq": ` + deletes + fix},
		{"d/.wh.d/f", `lock file "d/.wh.d/f": ` + deletes + fix},
		{"caf\xe9", `lock file "caf\xe9": the name cannot be used: it is not UTF-8` + fix},
		{"a\nb", `lock file "a\nb": the name cannot be used: it contains a line feed` + fix},
		{".whale", ""},
		{"d/a.wh.b", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, file("a", ""), file(tt.name, ""))
			in := Inputs{Base: "debian", LockFiles: []string{tt.name}, Source: Source{Paths: wholeTree.Paths, Ignore: []string{"*", "!a"}}}
			_, scanned, err := Compute(t.Context(), root, in)
			if tt.want == "" {
				must(t, err)
				_, err = scanned.Names(t.Context(), os.DirFS(root), in)
				must(t, err)
				return
			}
			checkError(t, err, tt.want)
			if !errors.Is(err, ErrName) {
				t.Errorf("%v is not ErrName", err)
			}
			scanned, err = Scan(t.Context(), root, in.Source)
			must(t, err)
			_, err = scanned.Names(t.Context(), os.DirFS(root), in) // as in the frontend
			checkError(t, err, tt.want)
		})
	}
}

// TestErrorIsDeterministic checks that of many errors the same one is always reported.
func TestErrorIsDeterministic(t *testing.T) {
	var entries []entry
	for _, d := range "hgfedcba" {
		for _, name := range "zyx" {
			entries = append(entries, link(string(d)+"/"+string(name), string(name)), file(string(d)+"/ok", "1"))
		}
	}
	root := tree(t, entries...)
	for range 50 {
		_, _, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: wholeTree})
		var e *PathError
		if !errors.As(err, &e) || e.Path != "a/x" {
			t.Fatalf("got %v", err)
		}
	}
}

func TestCancelled(t *testing.T) {
	root := tree(t, file("a", "1"), file("lock", ""))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, locks := range [][]string{nil, {"lock"}} {
		_, _, err := Compute(ctx, root, Inputs{Base: "debian", LockFiles: locks, Source: wholeTree})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

func TestCancelledWhileReading(t *testing.T) {
	root := tree(t, file("a", "1"))
	w := newWalk(root, wholeTree.Paths, originalRules{})
	n, err := w.run(t.Context())
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hashFiles(ctx, n, true); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestReplacedWhileReading checks files that are replaced between the listing and the reading.
func TestReplacedWhileReading(t *testing.T) {
	root := tree(t, entry{Path: "pipe", Type: "fifo"}, dir("d"), link("link", "/etc/passwd"))
	top := &node{path: ".", dir: true, real: root}
	for _, name := range []string{"pipe", "d", "gone", "link"} {
		top.children = append(top.children, &node{name: name, path: name, parent: top})
	}
	err := hashFiles(t.Context(), top, true)
	if err == nil || err.Error() != `source "d": it changed while it was read; make sure that nothing writes to it, and try again` {
		t.Errorf("got %v", err)
	}
}
