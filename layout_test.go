package rtbuild_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/rtbuild/rtbuild/"

// rows are the packages of docs/architecture.svg, from the bottom up. A package imports packages of lower rows only.
var rows = [][]string{
	{"tags/labels", "tags/contextfs", "internal/redact", "internal/options", "internal/embedded", "internal/trust", "internal/engine"},
	{"tags", "llb", "internal/builders", "internal/options/flags"},
	{"internal/plan", "internal/projectfile", "internal/profile/releases", "internal/gitindex"},
	{"internal/runtimefile", "internal/profile/manifests", "internal/registry", "internal/imagebuild"},
	{"internal/profile", "internal/imagediff", "internal/sourcestep", "internal/solve"},
	{"internal/project", "internal/planning", "internal/lint"},
	{"internal/destination", "internal/buildfolder", "internal/bake", "internal/frontend", "internal/migrate"},
	{"internal/publish"},
	{"internal/buildflags", "internal/endpoints", "internal/doctor", "internal/stagegraph"},
	{"cmd/client", "cmd/frontend"},
}

// tools are what tests, benchmarks and the demo import; no program of ours does.
var tools = regexp.MustCompile(`^(docs|hack/.+|internal/(bench|e2e|testenv|testmirror|testkit)(/.+)?)$`)

// forbidden is what a package may not depend on, not even through others. What is pure knows nothing of the network, and nothing of
// what builds or pushes. The frontend's image stays small.
var forbidden = map[string]*regexp.Regexp{
	"tags": regexp.MustCompile(`^github\.com/(moby/buildkit|containerd|spf13|docker|tonistiigi)/|^google\.golang\.org/|^net/http$|` +
		`^` + module + `(cmd|internal|llb)/?`),
	"llb":           regexp.MustCompile(`^` + module + `(cmd|internal)/|^github\.com/spf13/`),
	"internal/plan": regexp.MustCompile(`^github\.com/(moby/buildkit|spf13|docker|tonistiigi)/|^google\.golang\.org/|^net/http$`),
	"cmd/frontend":  regexp.MustCompile(`^flag$|^github\.com/(spf13|docker/(cli|docker))/|^` + module + `internal/(registry|solve|embedded|destination|publish)$`),
}

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath    string
	Imports, Deps []string
}

// TestImports holds the imports of all packages to the picture in docs/architecture.md.
func TestImports(t *testing.T) {
	row, seen := map[string]int{}, map[string]bool{}
	for i, names := range rows {
		for _, name := range names {
			row[name] = i
		}
	}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if tools.MatchString(name) || name+"/" == module {
			continue
		}
		seen[name] = true
		own, placed := row[name]
		if !placed {
			t.Errorf("%s is in no row: give it one here and in docs/architecture.md", name)
			continue
		}
		for _, imported := range p.Imports {
			below, isOurs := strings.CutPrefix(imported, module)
			if isOurs && (tools.MatchString(below) || row[below] >= own) {
				t.Errorf("%s imports %s, which is not in a lower row", name, below)
			}
		}
		if rule := forbidden[name]; rule != nil {
			if i := slices.IndexFunc(p.Deps, rule.MatchString); i >= 0 {
				t.Errorf("%s depends on %s", name, p.Deps[i])
			}
		}
	}
	for name := range row {
		if !seen[name] {
			t.Errorf("there is no package %s: take it out of the rows, and of docs/architecture.md", name)
		}
	}
}

// direct is what a pure package may not import itself. It may depend on it through BuildKit's packages. tags reads files.
var direct = map[string]*regexp.Regexp{
	"tags":          regexp.MustCompile(`^(net|net/http|os/exec|time|math/rand.*)$`),
	"llb":           regexp.MustCompile(`^(os|os/.*|net|net/http|syscall|math/rand.*)$`),
	"internal/plan": regexp.MustCompile(`^(os|os/.*|net|net/http|syscall|time|math/rand.*)$`),
}

// TestPure: a pure package reaches for no environment, clock or network. llb formats times, and asks no clock.
func TestPure(t *testing.T) {
	for _, p := range packages(t) {
		rule := direct[strings.TrimPrefix(p.ImportPath, module)]
		if rule == nil {
			continue
		}
		if i := slices.IndexFunc(p.Imports, rule.MatchString); i >= 0 {
			t.Errorf("%s imports %s", p.ImportPath, p.Imports[i])
		}
	}
	for _, name := range files(t, func(name string) bool {
		return strings.HasPrefix(name, "llb/") && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
	}) {
		if clock := regexp.MustCompile(`\btime\.(Now|Since|Until|After|Sleep|New\w+)\(`).FindString(read(t, name)); clock != "" {
			t.Errorf("%s asks the clock: %s", name, clock)
		}
	}
}

// box matches the name of a package in the picture. The groups are its height and its name.
var box = regexp.MustCompile(`<text x="\d+" y="(\d+)"[^>]* font-weight="bold"[^>]*>([^<]+)</text>`)

// TestPicture compares the picture of the packages with the rows.
func TestPicture(t *testing.T) {
	drawn := map[int][]string{}
	for _, found := range box.FindAllStringSubmatch(read(t, "docs/architecture.svg"), -1) {
		y, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		drawn[y] = append(drawn[y], found[2])
	}
	heights := slices.Sorted(maps.Keys(drawn))
	slices.Reverse(heights)
	if len(heights) != len(rows) {
		t.Fatalf("the picture has %d rows, and there are %d", len(heights), len(rows))
	}
	for i, y := range heights {
		var want []string
		for _, name := range rows[i] {
			want = append(want, strings.TrimPrefix(name, "internal/"))
		}
		slices.Sort(want)
		slices.Sort(drawn[y])
		if !slices.Equal(want, drawn[y]) {
			t.Errorf("row %d: the picture has %v, the rows have %v", i, drawn[y], want)
		}
	}
}

// TestPackagesAreDocumented: the architecture page names each package.
func TestPackagesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, names := range rows {
		for _, name := range names {
			if short := strings.TrimPrefix(name, "internal/"); !bytes.Contains(page, []byte("`"+short+"`")) {
				t.Errorf("docs/architecture.md does not name the package %s", short)
			}
		}
	}
}

// packages lists those of the module.
func packages(t *testing.T) []goPackage {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", "./...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	var all []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
