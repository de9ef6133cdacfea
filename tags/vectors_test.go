package tags

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectorsJSON is embedded, so that the tests can run as a user without access to this directory.
//
//go:embed testdata/vectors.json
var vectorsJSON []byte

// vectors holds inputs and the original's results.
type vectors struct {
	DefaultRepo map[string]string `json:"default_repo"` // by version of the original: seed, head
	Counts      map[string]int    `json:"counts"`
	Kinds       struct {
		Shorten   []vector[value] `json:"truncate_hash"`
		Runtime   []vector[pair]  `json:"repo_and_tag"`
		Versioned []vector[value] `json:"versioned_tag"`
		Lock      []vector[locks] `json:"lock_hash"`
		Source    []vector[value] `json:"source_hash"`
		Build     []vector[built] `json:"build"`
	} `json:"kinds"`
}

type vector[E any] struct {
	ID     string      `json:"id"`
	Topic  string      `json:"topic"`
	Note   string      `json:"note"`
	Input  vectorInput `json:"input"`
	Expect E           `json:"expect"`
	AsRoot *E          `json:"expect_as_root"`
}

func (v vector[E]) name() string { return v.ID + " " + v.Topic + " " + v.Note }

type vectorInput struct {
	Hash          string  `json:"hash"`
	Base          string  `json:"base_image"`
	Version       string  `json:"version"`
	Repo          *string `json:"env_repo"`
	Package       string  `json:"package_dir"`
	EnableBrowser *bool   `json:"enable_browser"`
	Root          string  `json:"root"`
	RootKind      string  `json:"root_kind"`
	Entries       []entry `json:"entries"`
	Outside       []entry `json:"outside"`
}

func (in vectorInput) repository(byDefault string) string {
	if in.Repo == nil || *in.Repo == "" { // an empty variable counts as unset
		return byDefault
	}
	return *in.Repo
}

// value is a result of the original: a text, a directory's digest, or an exception.
type value struct {
	Value     string     `json:"value"`
	MD5       string     `json:"md5"`
	Truncated string     `json:"truncated"`
	Included  []string   `json:"included"`
	Exception *exception `json:"exception"`

	Repo string `json:"repo"`
	Tag  string `json:"tag"`
}

type pair struct{ Seed, Head value }

type locks struct {
	Browser   value `json:"enable_browser_true_or_absent"`
	NoBrowser value `json:"enable_browser_false"`
}

type built struct {
	Seed, Head struct {
		Tags *struct {
			Repo string `json:"repo"`
		} `json:"tags"`
		Images  Images `json:"image_names"`
		Returns value  `json:"returns"`
	}
}

type exception struct {
	Class   string `json:"class"`
	Message string `json:"message"`
	Errno   string `json:"errno"`
}

func (e *exception) String() string { return e.Class + ": " + e.Message }

// sameAs reports whether err corresponds to the original's exception.
func (e *exception) sameAs(err error) bool {
	byName := map[string]error{
		"FileNotFoundError":     fs.ErrNotExist,
		"IsADirectoryError":     syscall.EISDIR,
		"NotADirectoryError":    syscall.ENOTDIR,
		"PermissionError":       fs.ErrPermission,
		"SymlinkRecursionError": ErrLoop,
		"UnicodeEncodeError":    ErrName,
		"ELOOP":                 ErrLoop,
		"ENAMETOOLONG":          syscall.ENAMETOOLONG,
		"Nothing to hash":       ErrNothing,
		"No such directory":     fs.ErrNotExist,
		"invalid literal":       errNotMD5,
	}
	for name, want := range byName {
		if e.Class == name || e.Errno == name || e.Class == "ValueError" && strings.Contains(e.Message, name) {
			return errors.Is(err, want)
		}
	}
	return false
}

func loadVectors(t testing.TB) vectors {
	t.Helper()
	var v vectors
	must(t, json.Unmarshal(vectorsJSON, &v))
	return v
}

// check compares a result with the original's, or with the table of departures if the key is listed there. A key is the
// vector's ID, followed by a word if the vector has several results.
func check(t *testing.T, key string, original string, exc *exception, ours string, err error) {
	t.Helper()
	if exc != nil {
		original = exc.String()
	}
	if err != nil {
		ours = "error: " + err.Error()
	}
	if d, ok := loadDepartures(t)[key]; ok {
		t.Run("departs: "+d.rule, func(t *testing.T) { d.check(t, original, ours) })
		return
	}
	if exc != nil && exc.sameAs(err) || exc == nil && original == ours {
		return
	}
	t.Errorf("%s:\noriginal %q\n    ours %q", key, original, ours)
}

func (d departure) check(t *testing.T, original, ours string) {
	t.Helper()
	if original != d.Original {
		t.Errorf("original %q\n  listed %q", original, d.Original)
	}
	if ours != d.Ours && !(strings.HasPrefix(d.Ours, "error: ") && strings.HasPrefix(ours, d.Ours)) {
		t.Errorf("    ours %q\n  listed %q", ours, d.Ours)
	}
}

func TestVectorCounts(t *testing.T) {
	v := loadVectors(t)
	k := v.Kinds
	got := map[string]int{
		"truncate_hash": len(k.Shorten), "repo_and_tag": len(k.Runtime), "versioned_tag": len(k.Versioned),
		"lock_hash": len(k.Lock), "source_hash": len(k.Source), "build": len(k.Build),
	}
	if diff := cmp.Diff(v.Counts, got); diff != "" {
		t.Error(diff)
	}
}

func TestShortenVectors(t *testing.T) {
	for _, v := range loadVectors(t).Kinds.Shorten {
		t.Run(v.name(), func(t *testing.T) {
			got, err := shorten(v.Input.Hash)
			check(t, v.ID, v.Expect.Value, v.Expect.Exception, got, err)
		})
	}
}

// minimal returns a context with one file, and inputs for names that do not depend on files.
func minimal(t testing.TB, in vectorInput) (string, Inputs) {
	t.Helper()
	return tree(t, file("a", "")), Inputs{Base: in.Base, Version: in.Version, Source: wholeTree}
}

var wholeTree = Source{Paths: []Path{{Path: ".", Hash: true}}}

func TestRuntimeVectors(t *testing.T) {
	all := loadVectors(t)
	for _, v := range all.Kinds.Runtime {
		t.Run(v.name(), func(t *testing.T) {
			root, in := minimal(t, v.Input)
			for of, want := range map[string]value{"seed": v.Expect.Seed, "head": v.Expect.Head} {
				in.Repository = v.Input.repository(all.DefaultRepo[of])
				s, _, err := Compute(t.Context(), root, in)
				check(t, v.ID+" "+of, want.Repo+":"+want.Tag, want.Exception, s.Repository+":"+s.Runtime, err)
			}
		})
	}
}

func TestVersionedVectors(t *testing.T) {
	for _, v := range loadVectors(t).Kinds.Versioned {
		t.Run(v.name(), func(t *testing.T) {
			root, in := minimal(t, v.Input)
			in.Version = "0.16.1"
			s, _, err := Compute(t.Context(), root, in)
			check(t, v.ID, "oh_v0.16.1_"+v.Expect.Value, v.Expect.Exception, s.Versioned, err)
		})
	}
}

func TestLockVectors(t *testing.T) {
	for _, v := range loadVectors(t).Kinds.Lock {
		t.Run(v.name(), func(t *testing.T) {
			root := tree(t, v.Input.Entries...)
			in := Inputs{
				Base: v.Input.Base, Version: "1",
				LockFiles: []string{"pyproject.toml", "poetry.lock"}, LookIn: []string{v.Input.Package, "."},
				Source: wholeTree,
			}
			for of, want := range map[string]value{"browser": v.Expect.Browser, "no browser": v.Expect.NoBrowser} {
				in.NoBrowser = of == "no browser"
				s, _, err := Compute(t.Context(), root, in)
				check(t, v.ID+" "+of, "oh_v1_"+want.Value, want.Exception, s.Lock, err)
			}
		})
	}
}

// TestSourceVectors hashes each vector from the directory above its root and from the root itself. TestUnprivileged repeats
// it as an unprivileged user.
func TestSourceVectors(t *testing.T) {
	for _, v := range loadVectors(t).Kinds.Source {
		t.Run(v.name(), func(t *testing.T) {
			key, want := v.ID, v.Expect
			switch {
			case v.AsRoot != nil && os.Geteuid() == 0:
				want = *v.AsRoot
			case v.AsRoot != nil:
				key += " unprivileged"
			}
			sandbox, root := makeVector(t, v.Input)
			src := Source{Paths: []Path{{Path: root, Hash: true}}, Original: true, FollowOutside: true}
			original := want.Truncated + " " + strings.Join(want.Included, " ")
			got, err := sourceOf(t, sandbox, src)
			check(t, key, original, want.Exception, got, err)

			src.Paths[0].Path = "."
			fromRoot, errFromRoot := sourceOf(t, filepath.Join(sandbox, root), src)
			if fromRoot != got || (err == nil) != (errFromRoot == nil) {
				t.Errorf("from the root itself:\n%q, %v\nfrom above:\n%q, %v", fromRoot, errFromRoot, got, err)
			}
		})
	}
}

// makeVector creates a vector's tree, and returns the sandbox and the root's path in it.
func makeVector(t *testing.T, in vectorInput) (sandbox, root string) {
	t.Helper()
	sandbox, root = realTemp(t), in.Root
	makeTree(t, sandbox, sandbox, in.Outside)
	switch in.RootKind {
	case "missing":
		return sandbox, root
	case "dir":
		makeTree(t, sandbox, filepath.Join(sandbox, root), in.Entries)
	case "symlink":
		makeTree(t, sandbox, filepath.Join(sandbox, "real_root"), in.Entries)
		must(t, os.Symlink("real_root", filepath.Join(sandbox, root)))
	case "below_symlink":
		must(t, os.Symlink("real_parent", filepath.Join(sandbox, "link_parent")))
		makeTree(t, sandbox, filepath.Join(sandbox, "real_parent", root), in.Entries)
		root = "link_parent/" + root
	default:
		t.Fatalf("unknown kind of root %q", in.RootKind)
	}
	return sandbox, root
}

// sourceOf returns the source hash and the paths of the hashed files. It also checks that a copy has the same digests.
func sourceOf(t *testing.T, root string, src Source) (string, error) {
	t.Helper()
	in := Inputs{Base: "debian", Version: "1", Source: src}
	s, tree, err := Compute(t.Context(), root, in)
	if err != nil {
		return "", err
	}
	_, again, err := Compute(t.Context(), copyTree(t, tree), in)
	must(t, err)
	if again.Digest != tree.Digest || again.Copied != tree.Copied {
		t.Errorf("a copy of the copied entries has other digests:\n%v\n%v", cmp.Diff(tree.Entries, again.Entries), tree.Entries)
	}
	return strings.TrimPrefix(s.Source, s.Lock+"_") + " " + strings.Join(included(t, tree.Root, src), " "), nil
}

// included returns the hashed files, relative to the only source path.
func included(t *testing.T, root string, src Source) []string {
	t.Helper()
	r, err := newRules(src)
	must(t, err)
	w := newWalk(root, src.Paths, r)
	w.followOutside = src.FollowOutside
	n, err := w.run(t.Context())
	must(t, err)
	var files []string
	n.walk(func(n *node) {
		if !n.dir {
			files = append(files, strings.TrimPrefix(n.path, src.Paths[0].Path+"/"))
		}
	})
	slices.Sort(files)
	return files
}

// TestBuildVectors checks the image names of the vectors for whole builds. Other results of a build differ from the
// original's.
func TestBuildVectors(t *testing.T) {
	all := loadVectors(t)
	for _, v := range all.Kinds.Build {
		t.Run(v.name(), func(t *testing.T) {
			root := tree(t, v.Input.Entries...)
			in := openhands(v.Input)
			for of, want := range map[string]struct {
				Images  Images
				Returns value
			}{
				"seed": {v.Expect.Seed.Images, v.Expect.Seed.Returns},
				"head": {v.Expect.Head.Images, v.Expect.Head.Returns},
			} {
				exc := want.Returns.Exception
				switch {
				case want.Images != (Images{}):
					exc = nil // the build failed after the names were computed
				case exc == nil:
					continue // the earlier version does not support this input
				}
				in.Repository = v.Input.repository(all.DefaultRepo[of])
				s, _, err := Compute(t.Context(), root, in)
				check(t, v.ID+" "+of, names(want.Images), exc, names(s.Images), err)
			}
		})
	}
}

func names(i Images) string { return strings.Join([]string{i.Lock, i.Versioned, i.Source}, " ") }

// openhands returns the inputs that profile openhands makes from a vector.
func openhands(v vectorInput) Inputs {
	return Inputs{
		Base: v.Base, Version: v.Version, NoBrowser: v.EnableBrowser != nil && !*v.EnableBrowser,
		LockFiles: []string{"pyproject.toml", "poetry.lock"}, LookIn: []string{v.Package, "."},
		Source: Source{
			Paths:    []Path{{Path: v.Package, Hash: true}, {Path: "skills", Optional: true}},
			Original: true, NoCopy: []string{"*.md"},
		},
	}
}
