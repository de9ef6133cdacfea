package lint

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
)

func TestUnverified(t *testing.T) {
	sum := strings.Repeat("0a", 32)
	const found = "the download of openvscode-server 1.98.2 for amd64 from https://github.com/gitpod-io/openvscode-server/releases/download/" +
		"openvscode-server-v1.98.2/openvscode-server-v1.98.2-linux-x64.tar.gz is not verified, because rtbuild does not know its checksum: " +
		"add it to tools, as {name: openvscode-server, version: 1.98.2, sha256: {amd64: CHECKSUM}}"
	tests := []struct {
		name, yaml string
		platforms  []string
		want       []string
	}{
		{"the editor", "", []string{"linux/amd64"}, []string{found}},
		{"no platforms", "", nil, nil},
		{"no editor", "components: {editor: false}\n", []string{"linux/amd64"}, nil},
		{"a checksum in runtime.yaml", "tools: [{name: openvscode-server, version: 1.98.2, sha256: {amd64: " + sum + "}}]\n", []string{"linux/amd64"}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := files("pyproject.toml", "[tool.poetry]\nname = \"openhands-ai\"\n", "poetry.lock", "", "runtime.yaml", "base: "+pinned+"\n"+test.yaml)
			r, err := profile.Load(project, profile.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, finding := range Check(Input{Runtime: r, Platforms: test.platforms}) {
				if finding.Rule == UnverifiedTool.Name {
					got = append(got, finding.Detail)
				}
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
