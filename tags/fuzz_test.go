package tags

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// tagGrammar repeats the grammar of tags, so that the test does not rely on the code under test.
var tagGrammar = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

func checkTags(t *testing.T, s Set) {
	t.Helper()
	for _, tag := range []string{s.Lock, s.Versioned, s.Source, s.Runtime} {
		if !tagGrammar.MatchString(tag) {
			t.Errorf("base and version %q: %q is not a valid tag", s.Version, tag)
		}
	}
	if !strings.HasPrefix(s.Source, s.Lock+"_") {
		t.Errorf("source %q does not begin with lock %q", s.Source, s.Lock)
	}
}

// FuzzReference makes tags of arbitrary base images and repositories: all are valid, or an error quotes the invalid input.
func FuzzReference(f *testing.F) {
	for _, seed := range [][2]string{
		{"debian", ""}, {"host:5000/x", "host:5000/x"}, {"host:5000/x:y@sha256:" + strings.Repeat("a", 64), "r"},
		{"x@sha256:" + strings.Repeat("0", 64), "x"}, {"a:" + strings.Repeat("t", 128) + "@sha256:" + strings.Repeat("0", 64), "a"},
		{"GHCR.io/x", "A"}, {"docker://x", "x:y"}, {strings.Repeat("a/", 120) + "b", ""}, {"\xff", "\n"}, {"_", "::"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, base, repository string) {
		n, err := newNamer(Inputs{Base: base, Repository: repository, Version: "1.2.3"})
		var e *InputError
		if err != nil && (!errors.As(err, &e) || e.Value != base && e.Value != repository) {
			t.Fatalf("got %v", err)
		}
		if err == nil {
			checkTags(t, n.set(strings.Repeat("0", 16), strings.Repeat("z", 16)))
		}
	})
}

// FuzzVersion makes tags of arbitrary versions: all are valid, and valid versions stay unchanged.
func FuzzVersion(f *testing.F) {
	for _, seed := range []string{
		"", "1.2.3", "1.0+local", "é", "\xff\xfe", "a/b:c@d", strings.Repeat("9", 90), strings.Repeat("é", 91), "\x00\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, version string) {
		base := "registry.example.com/team/some-long-name/of-an-image:" + strings.Repeat("t", 100)
		n, err := newNamer(Inputs{Base: base, Version: version})
		if (err != nil) != (utf8.RuneCountInString(version) > 90) {
			t.Fatalf("%d characters: %v", utf8.RuneCountInString(version), err)
		}
		if err != nil {
			return
		}
		s := n.set("l", "s")
		checkTags(t, s)
		if regexp.MustCompile(`^[A-Za-z0-9_.-]*$`).MatchString(version) && s.Source != "oh_v"+version+"_l_s" {
			t.Errorf("version %q was changed: %q", version, s.Source)
		}
	})
}

// FuzzPath hashes a tree with one file at an arbitrary path. Unless that is an error, a copy of the tree has the same digests,
// and a tree with one more file has others.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"a", "a/b/c", ".env", ".git/x", "x.pyc", "x.pyc/y", "a\nb", "caf\xe9", "\xed\xa0\x80", "日本/語", "a b/ c", "-rf", "...", "\\", "\"",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, p string, original bool) {
		root := t.TempDir()
		at := filepath.Join(root, p)
		if !filepath.IsLocal(p) || at == root || os.MkdirAll(filepath.Dir(at), 0o755) != nil || os.WriteFile(at, []byte("1"), 0o644) != nil {
			return // the file system has no such path
		}
		in := Inputs{Base: "debian", Source: Source{Paths: wholeTree.Paths, Original: original}}
		_, tree, err := Compute(t.Context(), root, in)
		if usable := utf8.ValidString(at) && !strings.Contains(at, "\n"); !usable && err == nil {
			t.Fatalf("%q was accepted", p)
		}
		if err != nil {
			if !errors.Is(err, ErrName) && !(original && errors.Is(err, ErrNothing)) {
				t.Fatalf("%q: %v", p, err)
			}
			return
		}
		_, again, err := Compute(t.Context(), copyTree(t, tree), in)
		if err != nil || again.Digest != tree.Digest || again.Copied != tree.Copied {
			t.Fatalf("the copy: %v, %v", err, again)
		}
		must(t, os.WriteFile(filepath.Join(root, "another"), []byte("2"), 0o644))
		_, more, err := Compute(t.Context(), root, in)
		if err != nil || more.Digest == tree.Digest || more.Copied == tree.Copied {
			t.Fatalf("with another file: %v, %v", err, more)
		}
	})
}

// TestOrderOfCreation checks that digests do not depend on the order in which files are created.
func TestOrderOfCreation(t *testing.T) {
	entries := []entry{
		file("a", "1"), file("b", "1"), file("d/x", "2"), file("d/e/y", "3"), link("l", "d"), link("m", "l/x"), file(".env", "4"),
		link("c", "a"), dir("empty"), link("z", "m"), file("k/q", "5"), link("k/r", "q"),
	}
	_, first, err := Compute(t.Context(), tree(t, entries...), Inputs{Base: "debian", Source: wholeTree})
	must(t, err)
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 0))
		r.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
		_, got, err := Compute(t.Context(), tree(t, entries...), Inputs{Base: "debian", Source: wholeTree})
		must(t, err)
		if got.Digest != first.Digest || got.Copied != first.Copied {
			t.Errorf("%s, %s; first %s, %s", got.Digest, got.Copied, first.Digest, first.Copied)
		}
	}
}
