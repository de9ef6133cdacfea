package endpoints

import (
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

// FuzzInLockFiles checks that the addresses in lock files are listed as servers, without user, password and path.
func FuzzInLockFiles(f *testing.F) {
	for _, seed := range []string{
		`{"packages": {"node_modules/a": {"resolved": "https://registry.example.com/a/-/a-1.tgz"}}}`, "--index-url https://user:secret@pypi.example.com/simple/\n",
		"[[package]]\nname = \"a\"\nsource = { registry = \"https://pypi.example.com/simple\" }\nsdist = { url = \"https://files.example.com/a.tar.gz\", hash = \"sha256:0\" }\n",
		"[package.source]\ntype = \"legacy\"\nurl = \"https://user@pypi.example.com:8443/simple\"\n", `"http://[::1]:80/`, "='https://a@b@c/", "\xff https:///", `"https://%zz/`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, file := range []string{"package-lock.json", "poetry.lock", "uv.lock", "requirements.txt", "pnpm-lock.yaml", "yarn.lock"} {
			p := &project.Project{
				Files: fstest.MapFS{file: {Data: data}}, Tree: &tags.Tree{LockFiles: []tags.Entry{{Path: file}}},
				Runtime: &profile.Runtime{Mirrors: map[string]string{"https://pypi.example.com": "http://mirror.example.com/pypi"}},
			}
			for _, c := range inLockFiles(p) {
				rest := strings.TrimPrefix(strings.TrimPrefix(c.Address, "https://"), "http://")
				u, err := url.Parse(c.Address)
				if c.Address == nodeHeaders && c.For != file {
					continue
				}
				rest = strings.TrimPrefix(strings.TrimPrefix(rest, "ssh://"), "git://")
				if c.For != file || rest == c.Address || rest == "" || strings.ContainsAny(rest, "@\"' #=") || err == nil && (u.User != nil || u.Host == "") {
					t.Fatalf("%s: %q", file, c.Address)
				}
			}
		}
	})
}
