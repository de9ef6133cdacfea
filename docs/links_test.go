package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// markdownLink is a link or picture of Markdown; its target is the group.
var markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinks follows every relative link of the pages, the heading behind # included.
func TestLinks(t *testing.T) {
	for _, page := range pages(t) {
		t.Run(page, func(t *testing.T) {
			for _, link := range markdownLink.FindAllStringSubmatch(read(t, page), -1) {
				checkLink(t, page, link[1])
			}
		})
	}
}

func checkLink(t *testing.T, page, link string) {
	t.Helper()
	if strings.Contains(link, "://") {
		return // not followed: tests have no network
	}
	file, heading, hasHeading := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = filepath.Join(filepath.Dir(page), file)
	}
	if _, err := os.Stat(target); err != nil {
		t.Errorf("link to %s: %v", link, err)
		return
	}
	if hasHeading && !anchors(read(t, target))[heading] {
		t.Errorf("link to %s: %s has no such heading", link, target)
	}
}

// pages are the repository's texts for users and developers.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "../*.md", "../examples/*/*.md", "../internal/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

var (
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	codeBlock = regexp.MustCompile("(?ms)^```.*?^```$")
	notAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]+`)
)

// anchors are the names by which the headings of a page can be linked to, as GitHub and GitLab make them.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, ""), -1) {
		all[anchor(h[1])] = true
	}
	return all
}

func anchor(heading string) string {
	return strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
