package tags

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list returns a Tree's entries in short form: "dir/", "file", "executable*", "link -> target".
func list(tree *Tree) []string {
	var all []string
	for _, e := range tree.Entries {
		switch {
		case e.Mode.IsDir():
			all = append(all, e.Path+"/")
		case e.Mode.Type() == fs.ModeSymlink:
			all = append(all, e.Path+" -> "+e.Link)
		case e.Mode.Perm() == 0o755:
			all = append(all, e.Path+"*")
		default:
			all = append(all, e.Path)
		}
	}
	return all
}

func TestTree(t *testing.T) {
	hashed := func(p string) Path { return Path{Path: p, Hash: true} }
	tests := []struct {
		name    string
		entries []entry
		src     Source
		want    []string
	}{
		{
			name:    "parents first, in order of names",
			entries: []entry{file("a.b", ""), file("a/z", ""), file("a/b/c", ""), file("a b", "").mode("0755"), dir("e")},
			src:     wholeTree,
			want:    []string{"a/", "a/b/", "a/b/c", "a/z", "a b*", "a.b"},
		}, {
			name: "the original's rules",
			entries: []entry{
				file("p/m.py", ""), file("p/m.pyc", ""), file("p/.git/HEAD", ""), file("p/.env", ""), file("p/__pycache__/x", ""),
				file("p/README.md", ""), file("p/only/NOTES.md", ""), file("p/doc.md/x", ""), file("other", ""),
				file("skills/a.md", "").mode("0700"), file("skills/.x/y", ""),
			},
			src: Source{
				Paths: []Path{hashed("p"), {Path: "skills", Optional: true}, {Path: "none", Optional: true}}, Original: true,
				NoCopy: []string{"*.md"},
			},
			want: []string{"p/", "p/.env", "p/m.py", "skills/", "skills/a.md*"},
		}, {
			name:    "a source path below another",
			entries: []entry{file("a/x", ""), file("a/b/y", ""), file("a/b/c/z", "")},
			src:     Source{Paths: []Path{{Path: "a/b"}, hashed("."), hashed("a/b/c")}},
			want:    []string{"a/", "a/b/", "a/b/c/", "a/b/c/z", "a/b/y", "a/x"},
		}, {
			name:    "links that are kept",
			entries: []entry{file("a", "1"), link("l", "a"), link("d/l", "../a"), link("dl", "d"), link("m", "./l"), link("n", "dl/l")},
			src:     wholeTree,
			want:    []string{"a", "d/", "d/l -> ../a", "dl -> d", "l -> a", "m -> ./l", "n -> dl/l"},
		}, {
			name:    "absolute links",
			entries: []entry{file("d/a", "1"), link("l", "{SANDBOX}/root/d/a"), link("m", "{SANDBOX}/root/d")},
			src:     wholeTree,
			want:    []string{"d/", "d/a", "l", "m/", "m/a"},
		}, {
			name:    "links to files that are not copied",
			entries: []entry{file(".h/x", "1"), link("v", ".h"), link("w", ".h/x"), file("README.md", "2"), link("r", "README.md")},
			src:     Source{Paths: wholeTree.Paths, Original: true, NoCopy: []string{"*.md"}},
			want:    []string{"r", "v/", "v/x", "w"},
		}, {
			name:    "a link to a directory that is copied partly",
			entries: []entry{file("d/x", "1"), file("d/y.log", "2"), link("l", "d"), link("same", "l")},
			src:     Source{Paths: wholeTree.Paths, Ignore: []string{"d/*.log"}},
			want:    []string{"d/", "d/x", "l/", "l/x", "l/y.log", "same -> l"},
		}, {
			name: "links in a copied directory of links",
			entries: []entry{
				file("x", "1"), file("p/x", "2"), link("p/q/up", "../x"), link("p/q/in", "f"), file("p/q/f", "3"), link("e", "p/q"),
			},
			src:  Source{Paths: wholeTree.Paths, Ignore: []string{"p/q"}},
			want: []string{"e/", "e/f", "e/in -> f", "e/up", "p/", "p/x", "x"},
		}, {
			name:    "a link with .. after a link",
			entries: []entry{file("a/b/f", "1"), file("a/g", "2"), link("l", "a/b"), link("m", "l/../g")},
			src:     wholeTree,
			want:    []string{"a/", "a/b/", "a/b/f", "a/g", "l -> a/b", "m"},
		}, {
			name:    "a link that leaves the context and returns",
			entries: []entry{file("a", "1"), link("l", "../root/a"), link("d/m", "../../root/a")},
			src:     wholeTree,
			want:    []string{"a", "d/", "d/m", "l"},
		}, {
			name: "links that would form a loop in the copy",
			// x/p/a is x/b; copied as e/a, the same text means b, which is a link to e/a.
			entries: []entry{link("x/p/a", "../b"), file("x/b", "1"), link("e", "x/p"), link("b", "e/a")},
			src:     Source{Paths: wholeTree.Paths, Ignore: []string{"x"}},
			want:    []string{"b -> e/a", "e/", "e/a"},
		}, {
			name:    "a source path that is a link",
			entries: []entry{file("real/a", "1"), link("src", "real"), link("f", "real/a")},
			src:     Source{Paths: []Path{hashed("src"), hashed("f")}},
			want:    []string{"f", "src/", "src/a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := Inputs{Base: "debian", Source: tt.src}
			_, tree, err := Compute(t.Context(), tree(t, tt.entries...), in)
			must(t, err)
			if diff := cmp.Diff(tt.want, list(tree)); diff != "" {
				t.Error(diff)
			}
			checkCopy(t, tree)
		})
	}
}

// checkCopy reads every file of a copy, through its links, and compares it with the original.
func checkCopy(t *testing.T, tree *Tree) {
	t.Helper()
	root := copyTree(t, tree)
	for _, e := range tree.Entries {
		want, wantErr := os.ReadFile(filepath.Join(tree.Root, e.Path))
		got, err := os.ReadFile(filepath.Join(root, e.Path))
		if string(got) != string(want) || (err == nil) != (wantErr == nil) {
			t.Errorf("%s: %q, %v in the copy; %q, %v here", e.Path, got, err, want, wantErr)
		}
	}
}

// TestCopied checks that every difference of a copy changes Tree.Copied.
func TestCopied(t *testing.T) {
	base := []entry{file("a", "1"), file("d/b", "2")}
	trees := map[string][]entry{
		"base":       base,
		"content":    {file("a", "2"), file("d/b", "2")},
		"name":       {file("a", "1"), file("d/c", "2")},
		"place":      {file("a", "1"), file("b", "2")},
		"executable": {file("a", "1").mode("0755"), file("d/b", "2")},
		"link":       {file("a", "1"), file("d/b", "2"), link("l", "a")},
		"its target": {file("a", "1"), file("d/b", "2"), link("l", "./a")},
		"its copy":   {file("a", "1"), file("d/b", "2"), file("l", "1")},
		"unhashed":   append([]entry{file("u/x", "1")}, base...),
	}
	src := Source{Paths: []Path{{Path: ".", Hash: true}, {Path: "u", Optional: true}}}
	seen := map[string]string{}
	digests := map[string]string{}
	for name, entries := range trees {
		_, tree, err := Compute(t.Context(), tree(t, entries...), Inputs{Base: "debian", Source: src})
		must(t, err)
		if other, twice := seen[tree.Copied]; twice {
			t.Errorf("%s and %s have the same digest of the copy", name, other)
		}
		if !strings.HasPrefix(tree.Copied, "sha256:") || len(tree.Copied) != 71 {
			t.Errorf("digest of the copy %q", tree.Copied)
		}
		seen[tree.Copied], digests[name] = name, tree.Digest
	}
	if digests["unhashed"] != digests["base"] || digests["executable"] != digests["base"] {
		t.Error("what is not hashed changes the digest")
	}
}

// TestOutside checks that links leaving the context are listed, and that their targets are not read. There is a loop, which
// a walk would report.
func TestOutside(t *testing.T) {
	tests := []struct {
		name    string
		links   []entry
		outside []string
	}{
		{"a directory", []entry{link("prefix/z", "../../outer")}, []string{"prefix/z"}},
		{"a file", []entry{link("f", "../outer/f")}, []string{"f"}},
		{"through another link", []entry{link("a", "b"), link("b", "../outer")}, []string{"a", "b"}},
		{"the root directory", []entry{link("z:", "/")}, []string{"z:"}},
		{"back into the context", []entry{link("back", "../outer/back")}, nil},
		{"a source path", []entry{link("src", "../outer")}, []string{"src"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(t, append([]entry{file("a1", "1")}, tt.links...)...)
			makeTree(t, "", filepath.Join(root, "../outer"), []entry{file("f", "1"), link("circle", "."), link("back", "../root/a1")})
			in := Inputs{Base: "debian", Source: wholeTree}
			if tt.name == "a source path" {
				in.Source.Paths = []Path{{Path: "src", Hash: true}}
			}
			_, got, err := Compute(t.Context(), root, in)
			must(t, err)
			if diff := cmp.Diff(tt.outside, got.Outside); diff != "" {
				t.Error(diff)
			}
			for _, e := range got.Entries {
				if slices.Contains(tt.outside, e.Path) {
					t.Errorf("%s is copied", e.Path)
				}
			}
		})
	}
}

// TestLockFileOutside checks that a lock file outside the context is refused without being opened.
func TestLockFileOutside(t *testing.T) {
	root := tree(t, file("a", "1"), link("lock", "/dev/zero"))
	_, _, err := Compute(t.Context(), root, Inputs{Base: "debian", LockFiles: []string{"lock"}, Source: Source{Paths: []Path{{Path: "a", Hash: true}}}})
	checkError(t, err, `lock file "lock": it leaves the context; copy what it points to into the context`)
}

// TestEntryContent checks that entries have the real path and the digest of the content that was read.
func TestEntryContent(t *testing.T) {
	root := tree(t, file("a", "1"), file("d/b", "2"), link("copy/of", "../ignored/x"), link("gone", "d"), file("ignored/x", "3"), link("deep", "ignored"))
	in := Inputs{Base: "debian", LockFiles: []string{"gone/b", "a"}, Source: Source{Paths: wholeTree.Paths, Ignore: []string{"ignored"}}}
	_, got, err := Compute(t.Context(), root, in)
	must(t, err)
	where := map[string]string{}
	for _, e := range slices.Concat(got.Entries, got.LockFiles) {
		if !e.Mode.IsRegular() {
			continue
		}
		where[e.Path] = e.Content()
		data, err := os.ReadFile(filepath.Join(root, e.Content()))
		must(t, err)
		if sha256.Sum256(data) != e.SHA256 || int64(len(data)) != e.Size {
			t.Errorf("%s: wrong digest or size", e.Path)
		}
	}
	want := map[string]string{"a": "a", "d/b": "d/b", "copy/of": "ignored/x", "deep/x": "ignored/x", "gone/b": "d/b"}
	if diff := cmp.Diff(want, where); diff != "" {
		t.Error(diff)
	}
}

// TestNamesOnly checks that NamesOnly yields the same names.
func TestNamesOnly(t *testing.T) {
	root := tree(t, file("a", "1"), file("d/b", "2"), link("l", "a"))
	in := Inputs{Base: "debian", Version: "1", Source: wholeTree}
	whole, _, err := Compute(t.Context(), root, in)
	must(t, err)
	in.Source.NamesOnly = true
	names, list, err := Compute(t.Context(), root, in)
	must(t, err)
	if names != whole {
		t.Errorf("got %+v, want %+v", names, whole)
	}
	if list.Copied != "" || len(list.Entries) != 0 || list.Digest == "" {
		t.Errorf("the tree is %+v", list)
	}
}
