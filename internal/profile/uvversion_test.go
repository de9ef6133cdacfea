package profile

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// TestRequiredUV shows which uv installs a project that accepts only some.
func TestRequiredUV(t *testing.T) {
	const mine = "tools: [{name: uv, version: 0.5.1, sha256: {amd64: " + "0000000000000000000000000000000000000000000000000000000000000001}}]"
	tests := []struct{ required, yaml, want, err string }{
		{">=0.12", "", "0.13.9", ""},
		{">=0.11,<0.12", "", "0.11.8", ""},
		{"~=0.12.3", "", "0.12.24", ""},
		{"0.13.9", "", "0.13.9", ""},
		{"==0.5.1", "", "", "pyproject.toml:5:1: the project requires uv ==0.5.1, and rtbuild has 0.11.8, 0.13.9, 0.12.24: accept one of them, or name yours in runtime.yaml: tools: [{name: uv, version: 0.5.1, sha256: {...}}]"},
		{"==0.5.1", mine, "", ""},
		{"new", "", "", `pyproject.toml:5:1: required-version of uv is not valid: "new" is no version specifier: write it as >=0.12`},
	}
	for _, test := range tests {
		t.Run(test.required, func(t *testing.T) {
			r, err := Load(uvProject("[tool.uv]\nrequired-version = '"+test.required+"'\n"), Options{Base: "debian", Data: []byte(test.yaml)})
			projecttest.CheckError(t, err, test.err)
			if err != nil {
				return
			}
			if got := r.Image().Installer.(llb.UVSync).Version; got != test.want {
				t.Errorf("uv %q, want %q", got, test.want)
			}
		})
	}
}

// TestUVOfAnotherAddress: a uv with an address is a tool of the image. Neither it nor the one that installs is asked of GitHub.
func TestUVOfAnotherAddress(t *testing.T) {
	const yaml = `tools: [{name: uv, version: 0.11.8, url: "https://example.com/uv-{version}.tar.gz", sha256: {amd64: "0000000000000000000000000000000000000000000000000000000000000001"}}]`
	r, err := Load(uvProject(""), Options{Base: "debian", Data: []byte(yaml)})
	projecttest.CheckError(t, err, "")
	layers, err := debianGraph(r.Image()).UpTo(llb.StageDeps)
	projecttest.Must(t, err)
	var asked []string
	for _, layer := range layers {
		asked = append(asked, layer.Endpoints...)
	}
	all := strings.Join(asked, " ")
	if !strings.Contains(all, "https://example.com/uv-0.11.8.tar.gz") || !strings.Contains(all, llb.PyPI) || strings.Contains(all, llb.GitHub) {
		t.Errorf("asked are %q", asked)
	}
}
