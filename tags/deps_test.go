package tags

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// TestDepsDigestIsUnambiguous compares different inputs that have the same lock tag.
func TestDepsDigestIsUnambiguous(t *testing.T) {
	pip := []string{"requirements.txt", "constraints.txt"}
	type inputs struct {
		in    Inputs
		files map[string]string
	}
	one := inputs{Inputs{Base: "debian:12", LockFiles: pip}, map[string]string{"requirements.txt": "flask\nevil-lib\n", "constraints.txt": "urllib3\n"}}
	tests := []struct {
		name string
		a, b inputs
	}{
		{"a line moves to the next file", one,
			inputs{one.in, map[string]string{"requirements.txt": "flask\n", "constraints.txt": "evil-lib\nurllib3\n"}}},
		{"the end of the base moves into the file",
			inputs{Inputs{Base: "debian:12", LockFiles: pip[:1]}, map[string]string{"requirements.txt": "==3"}},
			inputs{Inputs{Base: "debian:1", LockFiles: pip[:1]}, map[string]string{"requirements.txt": "2==3"}}},
		{"another file of the same content", inputs{Inputs{Base: "debian", LockFiles: pip[:1]}, map[string]string{"requirements.txt": "x"}},
			inputs{Inputs{Base: "debian", LockFiles: pip[1:]}, map[string]string{"constraints.txt": "x"}}},
		{"the file begins with False", inputs{Inputs{Base: "debian", LockFiles: pip[:1], NoBrowser: true}, map[string]string{"requirements.txt": "x"}},
			inputs{Inputs{Base: "debian", LockFiles: pip[:1]}, map[string]string{"requirements.txt": "Falsex"}}},
		{"the file ends with the extra input",
			inputs{Inputs{Base: "debian", LockFiles: pip[:1], LockExtra: map[string]any{"a": 1}}, map[string]string{"requirements.txt": "x"}},
			inputs{Inputs{Base: "debian", LockFiles: pip[:1]}, map[string]string{"requirements.txt": `x{"a":1}`}}},
		{"mirrors, which are not in the tag", one, inputs{withDepsExtra(one.in, "mirrors", map[string]string{"a": "b"}), one.files}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, treeA := compute(t, tt.a.in, tt.a.files)
			b, treeB := compute(t, tt.b.in, tt.b.files)
			if a.Lock != b.Lock {
				t.Errorf("the case is useless: the lock tags differ, %s and %s", a.Lock, b.Lock)
			}
			if treeA.DepsDigest == treeB.DepsDigest || treeA.DepsDigest == "" {
				t.Errorf("both have the deps digest %s", treeA.DepsDigest)
			}
		})
	}
}

// TestDepsDigestNormalizesTheBase checks that different names of one base have the same deps digest.
func TestDepsDigestNormalizesTheBase(t *testing.T) {
	_, want := compute(t, Inputs{Base: "docker.io/library/debian:latest"}, nil)
	for _, base := range []string{"debian", "library/debian", "docker.io/debian:latest"} {
		if _, got := compute(t, Inputs{Base: base}, nil); got.DepsDigest != want.DepsDigest {
			t.Errorf("%s: %s, want %s", base, got.DepsDigest, want.DepsDigest)
		}
	}
}

// TestDepsDigestGolden pins the digest: a change of the algorithm makes every published deps image stale.
func TestDepsDigestGolden(t *testing.T) {
	in := Inputs{
		Base: "debian:12", Version: "1", LockFiles: []string{"a", "b"}, Source: wholeTree,
		LockExtra: map[string]any{"packages": []string{"git"}}, DepsExtra: map[string]any{"profile": "node"},
	}
	files := map[string]string{"a": "1", "b": "2"}
	set, got := compute(t, in, files)
	// Computed by Python's hashlib and struct, without this package.
	const want = "sha256:fd580653097bf5b99cbff2ac9af3fb3dcd286d0fa9db6d667f5bb452f4b6f140"
	if got.DepsDigest != want {
		t.Errorf("got %s, want %s", got.DepsDigest, want)
	}
	scanned, err := Scan(t.Context(), got.Root, in.Source)
	must(t, err)
	again, err := scanned.Names(t.Context(), os.DirFS(got.Root), in)
	must(t, err)
	if scanned.DepsDigest != got.DepsDigest || again.Lock != set.Lock {
		t.Errorf("Names: %s, %s; Compute: %s, %s", scanned.DepsDigest, again.Lock, got.DepsDigest, set.Lock)
	}
}

func TestFullName(t *testing.T) {
	for base, want := range map[string]string{
		"debian":                         "docker.io/library/debian:latest",
		"team/app:1":                     "docker.io/team/app:1",
		"localhost:5000/a/b":             "localhost:5000/a/b:latest",
		"debian:12@sha256:" + aDigestHex: "docker.io/library/debian:12@sha256:" + aDigestHex,
		"debian@sha256:" + aDigestHex:    "docker.io/library/debian@sha256:" + aDigestHex,
	} {
		if got, err := FullName(base); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", base, got, err, want)
		}
	}
	var fault *InputError
	if got, err := FullName("Debian"); !errors.As(err, &fault) {
		t.Errorf("got %s, %v", got, err)
	}
}

const aDigestHex = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// withDepsExtra returns inputs with one more entry of DepsExtra.
func withDepsExtra(in Inputs, name string, value any) Inputs {
	in.DepsExtra = maps.Clone(in.DepsExtra)
	if in.DepsExtra == nil {
		in.DepsExtra = map[string]any{}
	}
	in.DepsExtra[name] = value
	return in
}

// compute returns the tags and the tree of a context with these files.
func compute(t *testing.T, in Inputs, files map[string]string) (Set, *Tree) {
	t.Helper()
	root := tree(t, file("source", ""))
	for name, content := range files {
		must(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o600))
	}
	in.Version, in.Source = "1", wholeTree
	set, tree, err := Compute(t.Context(), root, in)
	must(t, err)
	return set, tree
}
