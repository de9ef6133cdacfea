package docs

import (
	"os"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

// TestSites: the page about closed networks says what each name of network.mirrors stands for.
func TestSites(t *testing.T) {
	page, err := os.ReadFile("closed-networks.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, site := range llb.Sites() {
		row := "| `" + name + "` | `" + strings.Join(site.Addresses, "`, `") + "` |\n"
		if !strings.Contains(string(page), row) {
			t.Errorf("closed-networks.md lacks the row %s", row)
		}
	}
}
