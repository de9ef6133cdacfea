package rtbuild_test

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

var (
	fence   = regexp.MustCompile("(?ms)^ *(```|~~~).*?^ *(```|~~~)$")
	code    = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^()\s]+(?:\([^()\s]*\))?)(?:\s+"[^"]*")?\)|(?m:^\[[^\]]+\]:\s+(\S+))|(?:href|src)="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#{1,6}\s+(.*?)\s*#*$`)
	anchor  = regexp.MustCompile(`(?:id|name)="([^"]+)"`)
	target  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// TestLinks: what the documents link to in this repository is there, anchors included.
func TestLinks(t *testing.T) {
	for _, document := range files(t, func(name string) bool { return strings.HasSuffix(name, ".md") }) {
		text := code.ReplaceAllString(fence.ReplaceAllString(read(t, document), ""), "")
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			address := match[1] + match[2] + match[3]
			if err := check(t, document, address); err != nil {
				t.Errorf("%s links to %s: %v", document, address, err)
			}
		}
	}
}

// check looks for what an address in a document names. Addresses elsewhere are not looked at.
func check(t *testing.T, document, address string) error {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" {
		return err
	}
	file := document
	if u.Path != "" {
		file = path.Join(path.Dir(document), u.Path)
	}
	if _, err := os.Stat(file); err != nil {
		return err
	}
	if u.Fragment == "" || !strings.HasSuffix(file, ".md") {
		return nil
	}
	if !anchors(read(t, file))[u.Fragment] {
		return fmt.Errorf("%s has no heading for it", file)
	}
	return nil
}

// anchors are the names that GitHub gives to a document's headings, and those that the document gives itself.
func anchors(text string) map[string]bool {
	text = fence.ReplaceAllString(text, "")
	names := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		name := slug(match[1])
		for n := 1; names[name]; n++ {
			name = fmt.Sprintf("%s-%d", slug(match[1]), n)
		}
		names[name] = true
	}
	for _, match := range anchor.FindAllStringSubmatch(text, -1) {
		names[match[1]] = true
	}
	return names
}

// slug is GitHub's anchor of a heading: its text in small letters, with hyphens for spaces and without punctuation.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, target.ReplaceAllString(heading, "$1"))
}

// TestAnchors: headings have the anchors that GitHub gives them.
func TestAnchors(t *testing.T) {
	text := "# One\n## `--flag` and [a link](x.md), too!\n## One\n```\n# no heading\n```\n<a id=\"own\"></a>\n"
	got := anchors(text)
	want := []string{"one", "--flag-and-a-link-too", "one-1", "own"}
	for _, name := range want {
		if !got[name] {
			t.Errorf("no anchor %s in %v", name, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("anchors %v, want %v", got, want)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
