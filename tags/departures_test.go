package tags

import (
	_ "embed"
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

//go:embed testdata/departures.json
var departuresJSON []byte

// departure is a vector whose result differs from the original's, with the rule behind the difference. All other vectors must
// have the original's result.
type departure struct {
	Vector   string `json:"vector"`
	Original string `json:"original"`
	Ours     string `json:"ours"` // for an error, its beginning
	rule     string
}

func loadDepartures(t *testing.T) map[string]departure {
	t.Helper()
	var list struct {
		Rules []struct {
			Rule  string      `json:"rule"`
			Cases []departure `json:"cases"`
		} `json:"rules"`
	}
	must(t, json.Unmarshal(departuresJSON, &list))
	all := map[string]departure{}
	for _, r := range list.Rules {
		for _, d := range r.Cases {
			if _, twice := all[d.Vector]; twice || d.Original == d.Ours {
				t.Fatalf("%s is listed twice, or does not differ", d.Vector)
			}
			d.rule = r.Rule
			all[d.Vector] = d
		}
	}
	return all
}

func TestDeparturesNameVectors(t *testing.T) {
	for key := range loadDepartures(t) {
		id, _, _ := strings.Cut(key, " ")
		if !strings.Contains(string(vectorsJSON), `"id":"`+id+`"`) {
			t.Errorf("there is no vector %s", key)
		}
	}
}

// The tests below cover the departures that no vector shows. Each names the rule, and says what the original does.

func TestLongVersionCutsVersionedPart(t *testing.T) {
	version := strings.Repeat("9", 60)
	in := Inputs{Base: "quay.io/" + strings.Repeat("x", 90) + ":tail", Version: version, Source: wholeTree}
	s, _, err := Compute(t.Context(), tree(t, file("a", "")), in)
	must(t, err)
	// The original: "oh_v", the version, "_", and all 96 characters: 161, which no registry accepts.
	want := "oh_v" + version + "_" + strings.Repeat("x", 63-len("_t_tail")) + "_t_tail"
	if s.Versioned != want || len(want) != 128 {
		t.Errorf("got %q, want %q", s.Versioned, want)
	}
}

func TestTooLongVersion(t *testing.T) {
	root := tree(t, file("a", ""))
	in := Inputs{Base: "debian", Version: strings.Repeat("9", 90), Source: wholeTree}
	s, _, err := Compute(t.Context(), root, in)
	must(t, err)
	if len(s.Source) > 128 || len(s.Runtime) > 128 {
		t.Errorf("too long: %q, %q", s.Source, s.Runtime)
	}
	in.Version += "9" // the original makes tags of 129 characters
	_, _, err = Compute(t.Context(), root, in)
	var e *InputError
	if !errors.As(err, &e) || e.Input != "version" || !strings.Contains(err.Error(), "it has 91 characters, and a tag of 128 has room for 90") {
		t.Errorf("got %v", err)
	}
}

func TestVersionWithInvalidCharacters(t *testing.T) {
	in := Inputs{Base: "debian:12", Version: "1.0+dev é\xff", Source: wholeTree}
	s, _, err := Compute(t.Context(), tree(t, file("a", "")), in)
	must(t, err)
	got := []string{s.Version, s.Lock[:13], s.Versioned, s.Source[:13], s.Runtime}
	want := []string{in.Version, "oh_v1.0-dev--", "oh_v1.0-dev---_debian_t_12", "oh_v1.0-dev--", "oh_v1.0-dev---_image_debian_tag_12"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAcceptedTagStays checks that a tag which the original makes from a port or a digest stays if a registry accepts it. Here
// the original hashes a tag that is too long.
func TestAcceptedTagStays(t *testing.T) {
	base := "host:5000/" + strings.Repeat("x", 120)
	raw := "oh_v1_image_host_tag_5000/" + strings.Repeat("x", 120)
	s, _, err := Compute(t.Context(), tree(t, file("a", "")), Inputs{Base: base, Version: "1", Source: wholeTree})
	must(t, err)
	if want := "oh_v1_image_" + md5Hex(raw); s.Runtime != want {
		t.Errorf("got %q, want %q", s.Runtime, want)
	}
}

func TestLockFilesOfOtherProfiles(t *testing.T) {
	root := tree(t, file("package.json", "{}"), file("package-lock.json", "lock"))
	in := Inputs{Base: "node", Version: "1", Source: wholeTree, LockFiles: []string{"package-lock.json", "package.json"}}
	s, tr, err := Compute(t.Context(), root, in)
	must(t, err)
	want, err := shorten(md5Hex("node" + "lock" + "{}"))
	must(t, err)
	if s.Lock != "oh_v1_"+want {
		t.Errorf("got %s, want %s", s.Lock, want)
	}
	if diff := cmp.Diff(in.LockFiles, Paths(tr.LockFiles)); diff != "" {
		t.Error(diff)
	}
	in.LockFiles = append(in.LockFiles, "npm-shrinkwrap.json")
	_, _, err = Compute(t.Context(), root, in)
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), `lock file "npm-shrinkwrap.json": file does not exist; create it with `) {
		t.Errorf("got %v", err)
	}
}

func TestSeveralHashedPaths(t *testing.T) {
	root := tree(t, file("src/a", "1"), file("lib/x/b", "2"), file("main.py", "3"), file("other", "4"))
	together := tree(t, file("src/a", "1"), file("lib/x/b", "2"), file("main.py", "3"))
	several := Source{Paths: []Path{{Path: "src", Hash: true}, {Path: "./lib/x/", Hash: true}, {Path: "main.py", Hash: true}}}
	one := Source{Paths: []Path{{Path: "src", Hash: true}}}
	if got, want := digest(t, root, several), digest(t, together, wholeTree); got != want {
		t.Errorf("several: got %s, want that of a directory which holds them, %s", got, want)
	}
	if got, want := digest(t, root, one), digest(t, filepath.Join(root, "src"), wholeTree); got != want {
		t.Errorf("one: got %s, want its own, %s", got, want)
	}
}

func TestFollowOutside(t *testing.T) {
	root := tree(t, file("a", "1"), link("d/out", "../../outer"), link("f", "../outer/z"))
	makeTree(t, "", filepath.Join(root, "../outer"), []entry{file("x", "2"), link("y", "x"), link("z", "x")})
	src := wholeTree
	src.FollowOutside = true
	_, got, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: src})
	must(t, err)
	if diff := cmp.Diff([]string{"d/out", "f"}, got.Outside); diff != "" {
		t.Error(diff)
	}
	plain := tree(t, file("a", "1"), file("d/out/x", "2"), file("d/out/y", "2"), file("d/out/z", "2"), file("f", "2"))
	if want := digest(t, plain, wholeTree); got.Digest != want {
		t.Errorf("digest %s, want that of the links' targets, %s", got.Digest, want)
	}
}

func TestModesAreNormalised(t *testing.T) {
	loose := tree(t, file("d/a", "1").mode("0666"), file("d/x", "2").mode("0777"), dir("d").mode("0777"))
	tight := tree(t, file("d/a", "1").mode("0600"), file("d/x", "2").mode("0700"), dir("d").mode("0700"))
	_, a, err := Compute(t.Context(), loose, Inputs{Base: "debian", Source: wholeTree})
	must(t, err)
	_, b, err := Compute(t.Context(), tight, Inputs{Base: "debian", Source: wholeTree})
	must(t, err)
	want := []Entry{
		{Path: "d", Mode: fs.ModeDir | 0o755}, {Path: "d/a", Mode: 0o644, Size: 1}, {Path: "d/x", Mode: 0o755, Size: 1},
	}
	for _, tr := range []*Tree{a, b} {
		if diff := cmp.Diff(want, tr.Entries, cmpopts.IgnoreFields(Entry{}, "SHA256")); diff != "" || tr.Copied != a.Copied {
			t.Errorf("%s, %s", tr.Copied, diff)
		}
	}
}

func TestWarnings(t *testing.T) {
	root := tree(t, file("a", "1"), link("broken", "no\nwhere"), entry{Path: "d/pipe", Type: "fifo"},
		entry{Path: "sock", Type: "socket"}, link("to pipe", "d/pipe"), link("null", "/dev/null"),
		link("gone.pyc", "nowhere"), entry{Path: "p.pyc", Type: "fifo"})
	src := Source{Paths: wholeTree.Paths, Original: true}
	_, got, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: src})
	must(t, err)
	want := []string{
		`source "broken": a link to nothing, left out`,
		`source "d/pipe": a named pipe, left out`,
		`source "null": a link to a device, left out`,
		`source "sock": a socket, left out`,
		`source "to pipe": a link to a named pipe, left out`,
	}
	if diff := cmp.Diff(want, got.Warnings); diff != "" {
		t.Error(diff)
	}
	if len(got.Entries) != 1 {
		t.Errorf("copied: %v", got.Entries)
	}
}

func digest(t testing.TB, root string, src Source) string {
	t.Helper()
	_, tree, err := Compute(t.Context(), root, Inputs{Base: "debian", Source: src})
	must(t, err)
	return tree.Digest
}

func TestVersionedTag(t *testing.T) {
	tests := []struct {
		name, base, version, want string
		bad                       bool
	}{
		{name: "a base with a tag", base: "debian:bookworm", version: "1.2", want: "oh_v1.2_debian_t_bookworm"},
		{name: "an upper-case repository", base: "a.io:5000/b/C", version: "1+x", bad: true},
		{name: "a port and a path", base: "a.io:5000/b/c", version: "1+x", want: "oh_v1-x_a.io_t_5000_s_b_s_c"},
		{name: "a too long version", base: "debian", version: strings.Repeat("9", 200), bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := VersionedTag(tt.base, tt.version)
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %q, %v; want %q, error %t", got, err, tt.want, tt.bad)
			}
		})
	}
}
