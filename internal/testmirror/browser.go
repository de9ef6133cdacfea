package testmirror

import "regexp"

// browserRevision is Playwright's number of the browser, and browserVersion the browser's version.
const (
	browserRevision = "1148"
	browserVersion  = "131.0.6778.33"
)

// browserFile matches the browser's archive in both folders of the real site.
var browserFile = regexp.MustCompile(`^(?:/dbazure/download/playwright)?/builds/chromium/` + browserRevision + `/chromium-linux(?:-arm64)?\.zip$`)

const chrome = `#!/bin/sh
# A stand-in of rtbuild's tests for Chromium: it tells its version, and shows no page.
case " $* " in
  *" --version "*) echo "Chromium ` + browserVersion + ` (a stand-in of rtbuild's tests)" ;;
  *) echo "chrome (a stand-in of rtbuild's tests) called as: chrome $*: only --version is known" >&2; exit 2 ;;
esac
`

// browser returns the file at a path of cdn.playwright.dev.
func (m *Mirror) browser(path string) (file, error) {
	if !browserFile.MatchString(path) {
		return file{}, absent("there is a stand-in only for Chromium's build %s for Linux", browserRevision)
	}
	const name = "chrome-linux/chrome"
	data, err := zipFiles([]string{name}, map[string]condaFile{name: {content: []byte(chrome), mode: 0o755}})
	return file{content: data, mimeType: "application/zip"}, err
}
