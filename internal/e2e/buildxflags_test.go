package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/options"
)

// Forms of a flag: in the help of buildx, in the first cell of a row of the table, and in its text.
var (
	helpFlag = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z-]+)`)
	flagRow  = regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (.*) \\|$")
	ourFlag  = regexp.MustCompile("`--([a-z-]+)")
)

// TestFlagsOfBuildx: the docs say of every flag of docker buildx build what rtbuild-client has in its place.
func TestFlagsOfBuildx(t *testing.T) {
	t.Parallel()
	help := exec.CommandContext(t.Context(), env.Buildx, "build", "--help")
	help.Env = append(os.Environ(), "HOME="+t.TempDir(), "DOCKER_CONFIG="+t.TempDir())
	out, err := help.Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := documented(t)
	for _, found := range helpFlag.FindAllStringSubmatch(string(out), -1) {
		text, known := rows[found[1]]
		if delete(rows, found[1]); found[1] == "help" {
			continue
		}
		switch same := takes("solve", found[1]); {
		case !known:
			t.Errorf("docs/client.md does not say what stands for --%s", found[1])
		case strings.HasPrefix(text, "the same flag, of `plan`"):
			if !takes("plan", found[1]) {
				t.Errorf("plan has no --%s", found[1])
			}
		case strings.HasPrefix(text, "the same"), strings.HasPrefix(text, "for "):
			if !same {
				t.Errorf("solve has no --%s", found[1])
			}
		case same:
			t.Errorf("solve has --%s, and docs/client.md says: %s", found[1], text)
		}
	}
	for flag := range rows {
		t.Errorf("docker buildx build has no --%s: take the row out", flag)
	}
}

// documented gives the rows of the table, and checks the flags that their texts name.
func documented(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "### Flags of docker buildx build\n")
	table, _, _ = strings.Cut(table, "\n## ")
	rows := map[string]string{}
	for _, row := range flagRow.FindAllStringSubmatch(table, -1) {
		rows[row[1]] = row[2]
		for _, named := range ourFlag.FindAllStringSubmatch(row[2], -1) {
			if !takes("solve", named[1]) && !takes("plan", named[1]) {
				t.Errorf("the row of --%s names --%s, which neither solve nor plan has", row[1], named[1])
			}
		}
	}
	return rows
}

// takes reports whether a command of rtbuild-client has a flag.
func takes(command, flag string) bool {
	return slices.ContainsFunc(options.OfCommand(command), func(o options.Option) bool { return o.Flag() == flag })
}

// TestBakeForAnOwnerWithCapitals: names of images are in lower case, and names of owners on a forge may not be.
func TestBakeForAnOwnerWithCapitals(t *testing.T) {
	t.Parallel()
	bake := exec.CommandContext(t.Context(), env.Buildx, "bake", "--print", "frontend")
	bake.Dir = "../.."
	bake.Env = append(os.Environ(), "HOME="+t.TempDir(), "DOCKER_CONFIG="+t.TempDir(), "REGISTRY=ghcr.io/MyOrg")
	out, err := bake.Output()
	if err != nil || !strings.Contains(string(out), `"ghcr.io/myorg/rtbuild-frontend:dev"`) {
		t.Errorf("got %v\n%s", err, out)
	}
}
