package profile

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/llb"
)

func TestPlaywrightPackages(t *testing.T) {
	const text = "# A comment: of Playwright 1.55.0.\ndebian bookworm: libcups2 xvfb\ndebian trixie: libcups2t64 xvfb\n"
	want := llb.Packages{
		"debian bookworm": {"libcups2", "xvfb"}, "debian trixie": {"libcups2t64", "xvfb"}, "apt other": {"libcups2t64|libcups2", "xvfb"},
	}
	if diff := cmp.Diff(want, playwrightPackages(text)); diff != "" {
		t.Error(diff)
	}
}

// TestPlaywrightReleases checks the form of the list that an end-to-end test writes, and that it has each release.
func TestPlaywrightReleases(t *testing.T) {
	if playwrightText == "" || !strings.HasSuffix(playwrightText, "\n") {
		t.Error("the text is cut off")
	}
	packages := playwrightPackages(playwrightText)
	for _, release := range []string{
		"debian bullseye", "debian bookworm", "debian trixie", "ubuntu focal", "ubuntu jammy", "ubuntu noble", "apt other",
	} {
		names := packages[release]
		if !slices.Contains(names, "xvfb") || !slices.Contains(names, "fonts-noto-color-emoji") || !slices.IsSorted(names) {
			t.Errorf("%s: %q", release, names)
		}
	}
	if len(packages) != 7 {
		t.Errorf("%d keys: a line has another form", len(packages))
	}
}
