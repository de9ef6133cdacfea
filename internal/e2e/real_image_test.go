//go:build openhands

package e2e

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// testReleaseImage compares an image with what the release's own template makes of the same tree.
func testReleaseImage(t *testing.T, ref string) {
	all := readExpected(t)
	var names []string
	for _, e := range all {
		if e.kind == "line" {
			names = append(names, e.place)
		}
	}
	got := releaseImage{config: imageConfig(t, ref)}
	got.tree, got.files = got.read(t, ref, names)
	t.Run("Template", func(t *testing.T) { got.isExpected(t, all) })
	t.Run("Source", got.hasSource)
	t.Run("Packages", got.hasPackages)
	t.Run("Browser", got.hasBrowserPackages)
}

// expected is a line of testdata/openhands/image.txt.
type expected struct {
	kind, place string
	original    string
	here        string // "" if it is the original
	reason      string // begins the reason of a difference in docs/openhands.md
}

func readExpected(t *testing.T) []expected {
	t.Helper()
	var all []expected
	for line := range strings.Lines(string(must(os.ReadFile("testdata/openhands/image.txt"))(t))) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := append(strings.Split(line, "\t"), "", "", "")
		all = append(all, expected{fields[0], fields[1], unescaped(fields[2]), unescaped(fields[3]), fields[4]})
	}
	return all
}

func unescaped(text string) string { return strings.ReplaceAll(text, `\t`, "\t") }

// releaseImage is an image that was read.
type releaseImage struct {
	config map[string]json.RawMessage
	tree   map[string]testenv.Entry
	files  map[string]string
}

func (i releaseImage) read(t *testing.T, ref string, names []string) (map[string]testenv.Entry, map[string]string) {
	t.Helper()
	tree, files, err := image(t, ref).TreeAndFiles(t.Context(), append(names, dpkgStatus)...)
	if err != nil {
		t.Fatal(err)
	}
	return tree, files
}

// imageConfig returns the part "config" of an image's configuration.
func imageConfig(t *testing.T, ref string) map[string]json.RawMessage {
	t.Helper()
	var raw struct{ Config map[string]json.RawMessage }
	must(0, json.Unmarshal(image(t, ref).RawConfig(), &raw))(t)
	return raw.Config
}

// isExpected checks each line of the list. Each difference must stand in the docs, with its reason.
func (i releaseImage) isExpected(t *testing.T, all []expected) {
	page := string(must(os.ReadFile("../../docs/openhands.md"))(t))
	_, table, _ := strings.Cut(page, "## Differences from the original image")
	for _, e := range all {
		want := e.original
		if e.reason != "" {
			want = e.here
			if !strings.Contains(table, e.reason) {
				t.Errorf("%s %s differs from the original, and docs/openhands.md does not say %q", e.kind, e.place, e.reason)
			}
		}
		if got := i.value(t, e); got != want {
			t.Errorf("%s %s: %q, want %q (the original: %q)", e.kind, e.place, got, want, e.original)
		}
	}
}

// value returns what the image has at a place. Of a file, it is the line of the original, the other one, or nothing.
func (i releaseImage) value(t *testing.T, e expected) string {
	t.Helper()
	switch e.kind {
	case "config":
		var plain string
		if json.Unmarshal(i.config[e.place], &plain) == nil {
			return plain
		}
		return string(i.config[e.place])
	case "env":
		var env []string
		must(0, json.Unmarshal(i.config["Env"], &env))(t)
		at := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, e.place+"=") })
		if at >= 0 {
			return strings.TrimPrefix(env[at], e.place+"=")
		}
	case "path":
		if entry, ok := i.tree[e.place]; ok {
			return describeEntry(entry)
		}
	case "line":
		lines := strings.Split(i.files[e.place], "\n")
		for _, one := range []string{e.original, e.here} {
			if one != "" && slices.Contains(lines, one) {
				return one
			}
		}
	case "empty":
		return i.fileBelow(e.place)
	default:
		t.Fatalf("kind %q", e.kind)
	}
	return "nothing"
}

// fileBelow returns a file below a directory, but not apt's locks.
func (i releaseImage) fileBelow(dir string) string {
	for name, e := range i.tree {
		if strings.HasPrefix(name, dir+"/") && e.Type != tar.TypeDir && path.Base(name) != "lock" {
			return name
		}
	}
	return ""
}

// describeEntry returns the type, mode, owner and target of an entry: "f 644 0:0".
func describeEntry(e testenv.Entry) string {
	kind := map[byte]string{tar.TypeReg: "f", tar.TypeDir: "d", tar.TypeSymlink: "l"}[e.Type]
	return strings.TrimSpace(fmt.Sprintf("%s %o %d:%d %s", kind, e.Mode, e.UID, e.GID, e.Link))
}

// hasSource checks that the code directory has the files that the template copies, and no others.
func (i releaseImage) hasSource(t *testing.T) {
	const code = "/openhands/code/"
	want, got := map[string]string{}, map[string]string{}
	from := must(releases.OpenHands(t.Context()))(t)
	for _, name := range []string{"openhands", "microagents", "pyproject.toml", "poetry.lock"} {
		err := filepath.WalkDir(filepath.Join(from, name), func(file string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(from, file)
			if err != nil || d.IsDir() || strings.HasPrefix(name, "openhands/") && strings.HasSuffix(name, ".md") {
				return err
			}
			want[name] = digest.FromBytes(must(os.ReadFile(file))(t)).String()
			return nil
		})
		must(0, err)(t)
	}
	for name, e := range i.tree {
		name, ours := strings.CutPrefix(name, code)
		if !ours {
			continue
		}
		if e.Type != tar.TypeDir {
			got[name] = e.Digest.String()
		}
		if e.UID != 1000 || e.GID != 1000 {
			t.Errorf("%s belongs to %d:%d", name, e.UID, e.GID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(want) < 500 {
		t.Errorf("%d files only", len(want))
	}
}

var distribution = regexp.MustCompile(`^/openhands/poetry/[^/]+/lib/python[0-9.]+/site-packages/([^/]+)\.dist-info$`)

// hasPackages compares the installed Python packages with those that Poetry installed of this lock file. pip is no package of the lock
// file: it comes with the environment.
func (i releaseImage) hasPackages(t *testing.T) {
	var got []string
	for name := range i.tree {
		if match := distribution.FindStringSubmatch(name); match != nil && !strings.HasPrefix(match[1], "pip-") {
			got = append(got, match[1])
		}
	}
	slices.Sort(got)
	want := strings.Fields(string(must(os.ReadFile("testdata/openhands/packages.txt"))(t)))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%d packages, want %d:\n%s", len(got), len(want), diff)
	}
}

const dpkgStatus = "/var/lib/dpkg/status"

// hasBrowserPackages checks that all packages of Playwright's list are installed.
func (i releaseImage) hasBrowserPackages(t *testing.T) {
	for line := range strings.Lines(string(must(os.ReadFile(playwrightList))(t))) {
		names, ok := strings.CutPrefix(line, "debian trixie: ")
		for name := range strings.FieldsSeq(names) {
			if ok && !strings.Contains(i.files[dpkgStatus], "Package: "+name+"\nStatus: install ok installed\n") {
				t.Errorf("%s is not installed", name)
			}
		}
	}
}
