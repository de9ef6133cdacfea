//go:build openhands

package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

var update = flag.Bool("update", false, "write the list of Playwright's packages")

// playwrightList is the file of the profile with the packages that Playwright installs.
const playwrightList = "../profile/playwright.txt"

// TestRealOpenhandsPackages holds the list of the profile to what the Playwright of OpenHands' lock file installs. With
// -update, it writes the list.
func TestRealOpenhandsPackages(t *testing.T) {
	t.Parallel()
	p := playwright{must(releases.LockedPlaywright(t.Context()))(t)}
	got := fmt.Sprintf("# What \"playwright install --with-deps chromium\" of Playwright %s installs, by release.\n"+
		"# Written by %s -update, from Playwright itself.\n", p.Version, t.Name())
	for _, release := range p.releases(t) {
		got += release + ": " + strings.Join(p.packages(t, release), " ") + "\n"
	}
	if *update {
		must(0, os.WriteFile(playwrightList, []byte(got), 0o644))(t)
	}
	if diff := cmp.Diff(string(must(os.ReadFile(playwrightList))(t)), got); diff != "" {
		t.Errorf("%s is out of date: run this test with -update, and raise llb.Recipe\n%s", playwrightList, diff)
	}
}

// playwright is a release of Playwright.
type playwright struct{ releases.Playwright }

// node runs a script with the Node.js that Playwright brings.
func (p playwright) node(t *testing.T, env []string, args ...string) string {
	t.Helper()
	return must(p.Node(t.Context(), env, args...))(t)
}

// releaseNames are the code names of the releases that Playwright knows by number.
var releaseNames = map[string]string{
	"ubuntu20.04": "ubuntu focal", "ubuntu22.04": "ubuntu jammy", "ubuntu24.04": "ubuntu noble",
	"debian11": "debian bullseye", "debian12": "debian bookworm", "debian13": "debian trixie",
}

// releases returns the releases of Debian and Ubuntu that Playwright knows: "debian trixie".
func (p playwright) releases(t *testing.T) []string {
	t.Helper()
	var platforms []string
	out := p.node(t, nil, "-p", `JSON.stringify(Object.keys(require("./lib/server/registry/nativeDeps.js").deps))`)
	must(0, json.Unmarshal([]byte(out), &platforms))(t)
	var names []string
	for _, platform := range platforms {
		release, _, _ := strings.Cut(platform, "-")
		name, known := releaseNames[release]
		if !known {
			t.Errorf("Playwright knows %s: add its code name here", platform)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

var aptInstall = regexp.MustCompile(`apt-get install -y --no-install-recommends ([^"]+)"`)

// packages returns what Playwright would install on a release, sorted. It must be the same on each architecture.
func (p playwright) packages(t *testing.T, release string) []string {
	t.Helper()
	var platform string
	for number, name := range releaseNames {
		if name == release {
			platform = number
		}
	}
	var lists [2][]string
	for i, architecture := range []string{"-x64", "-arm64"} {
		out := p.node(t, []string{"PLAYWRIGHT_HOST_PLATFORM_OVERRIDE=" + platform + architecture}, "cli.js", "install-deps", "--dry-run", "chromium")
		command := aptInstall.FindStringSubmatch(out)
		if command == nil {
			t.Fatalf("Playwright prints no packages, but %s", out)
		}
		lists[i] = strings.Fields(command[1])
		slices.Sort(lists[i])
	}
	if diff := cmp.Diff(lists[0], lists[1]); diff != "" {
		t.Errorf("the packages differ by architecture, which the list cannot say:\n%s", diff)
	}
	return lists[0]
}
