package docs

import (
	"os"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

// TestSites: the page about closed networks has a row for each name of network.mirrors.
func TestSites(t *testing.T) {
	page, err := os.ReadFile("closed-networks.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range llb.Sites() {
		row := "\n| `" + name + "` | "
		if !strings.Contains(string(page), row) {
			t.Errorf("closed-networks.md lacks the row %s", row)
		}
	}
}
