package profile

import (
	_ "embed"
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// playwrightText lists what Playwright installs with Chromium, a release of Debian or Ubuntu a line: "debian trixie: xvfb ...".
//
//go:embed playwright.txt
var playwrightText string

// newestDebian is the release whose packages a release gets that Playwright does not know.
const newestDebian = "debian trixie"

// playwrightPackages returns the packages that a text in the form of playwrightText lists.
func playwrightPackages(text string) llb.Packages {
	packages := llb.Packages{}
	for line := range strings.Lines(text) {
		release, names, _ := strings.Cut(line, ": ")
		if strings.HasPrefix(line, "#") {
			continue
		}
		packages[release] = strings.Fields(names)
		if release == newestDebian {
			packages["apt other"] = withOlderNames(packages[release])
		}
	}
	return packages
}

// withOlderNames adds to each package that changed its name for 64-bit times (t64) the name in older releases.
func withOlderNames(names []string) []string {
	var all []string
	for _, name := range names {
		if older, ok := strings.CutSuffix(name, "t64"); ok {
			name += "|" + older
		}
		all = append(all, name)
	}
	return all
}
