//go:build projects

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// publishedProject is a source distribution that its makers published with a lock file.
type publishedProject struct {
	name, version, sha256 string
	server                string // the command that answers the protocol of MCP on standard input and output
	runtime               string // lines of a runtime file, beside the test; most projects need none
}

// publishedProjects are agents and MCP servers of others. Nothing in them was written for rtbuild.
var publishedProjects = []publishedProject{
	{"mcp-server-fetch", "2026.8.18", "da12533c8218c7a4ee2eb9d789170a317cf758c07cb2cc0211a91bdb0d4b7254", "mcp-server-fetch", ""},
	{"mcp-server-git", "2026.8.18", "96894ca661cfda45174a8882d4ca97d1f5261301c72ccad006ff04f4108f173f", "mcp-server-git", "packages: [git]\n"},
	{"mcp-server-time", "2026.8.18", "ec1313feb558a848838217d922bd218e9f7ca217cb0f7b890ee75ab94bf962e0", "mcp-server-time", ""},
	{"mcp-server-sqlite", "2025.4.25", "5c396211adb90595d06a505ac836657fc76ee4439e132acdf65caf21b4a8de42", "mcp-server-sqlite --db-path /tmp/x.db", ""},
	{"duckduckgo-mcp-server", "0.7.0", "5e387d2747c3dc57fc65d874d8bf8ff958845df3828d9de4274197586e759e18", "duckduckgo-mcp-server", ""},
	{"arxiv-mcp-server", "0.8.2", "e27bb34209a1d725305b72f385a4f7abf27e404eef829e266bdf33b67b418722", "arxiv-mcp-server", ""},
	{"mcp-alchemy", "2026.9.5.185701", "af8710d6d089d82d3ab594dc536f1fd7bfb02f7318f60706b282992077ef18de", "env DB_URL=sqlite:////tmp/x.db mcp-alchemy", ""},
	{"serena-agent", "2.1.0", "312c8c7cb3fa70e3fa7fe4685e09594e31e9a9d7d090d59136a0faf2fa939a91", "serena start-mcp-server", "cmd: [serena, start-mcp-server]\n"},
}

// initialize is the first message of a client.
const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`

// file returns the project's runtime file: its own lines, and a test that asks the server who it is.
func (p publishedProject) file() string {
	ask := fmt.Sprintf("(echo '%s'; sleep 10) | timeout 15 %s; true", initialize, p.server) // until the answer is there, the input must not end; some servers never do
	return fmt.Sprintf("%stest:\n- {run: %q, stdout: '\"serverInfo\":'}\n", p.runtime, ask)
}

// TestProjects builds each project from scratch as it was published. The image is asked before it is published.
func TestProjects(t *testing.T) {
	table := fmt.Sprintf("%-24s %-16s %8s %8s  %s\n", "project", "version", "seconds", "MB", "runtime.yaml")
	for _, p := range publishedProjects {
		t.Run(p.name, func(t *testing.T) {
			archive := strings.ReplaceAll(p.name, "-", "_") + "-" + p.version + ".tar.gz"
			unpacked := must(releases.Sdist(t.Context(), p.name, archive, p.sha256))(t)
			built := &project{dir: t.TempDir(), repository: env.registry.Host + "/" + repositoryOf(t)}
			if err := os.CopyFS(built.dir, os.DirFS(unpacked)); err != nil {
				t.Fatal(err)
			}
			write(t, built.dir, "runtime.yaml", p.file())
			began := time.Now()
			built.solve(t)
			took := time.Since(began).Seconds() - 10 // the pause of the test
			size := image(t, built.plan(t).Images.Source).Size()
			table += fmt.Sprintf("%-24s %-16s %8.1f %8.1f  %s\n", p.name, p.version, took, float64(size)/1e6, strings.TrimSpace(p.runtime))
		})
	}
	fmt.Print(table)
}
