package profile

import (
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/llb"
)

// rust is a profile that rtbuild does not have.
var rust = definition{
	defaults: Runtime{
		Profile: "rust", Prefix: "/agent", User: agent, Dependencies: Dependencies{Manager: "none"},
		Source: []Source{{Path: "src", Hash: true}}, Components: map[string]bool{"docker": true},
	},
	env:      map[string]string{"CARGO_HOME": "{prefix}/cargo"},
	managers: []string{"none"},
	image: llb.Runtime{
		Path: []string{"/usr/local/cargo/bin"},
		User: llb.User{Sudo: true, Directories: []llb.Directory{{Name: "cargo", Shared: true}}},
	},
	packages: [][]part[llb.Packages]{{{"", called("cargo", "cargo", "cargo", "cargo")}}, {{"docker", llb.Packages{"": {"socat"}}}}},
	system:   []part[llb.Component]{{"docker", llb.DockerEngine{}}},
	tools:    []part[llb.Component]{{"", llb.UV{}}, {"", llb.GitUser{Name: "agent", Email: "agent@example.com"}}},
	releases: []part[string]{{"", "uv"}, {"docker", "docker-apt-key"}},
	locks:    []string{"Cargo.lock"},
	version:  noVersion,
	command:  noCommand,
	build:    noBuild,
}

func noVersion(fs.FS) (string, error) { return "", nil }

// TestANewProfileIsAValue adds a profile: its projects are detected, its components can be turned off, and its image is drawn.
func TestANewProfileIsAValue(t *testing.T) {
	definitions = append(slices.Clip(definitions), rust)
	t.Cleanup(func() { definitions = definitions[:len(definitions)-1] })
	tests := []struct {
		name, file string
		layers     []string
		downloads  []string
	}{
		{"all of it", "base: debian:12\n",
			[]string{"install cargo", "install socat", "install Docker Engine", "make user agent and /agent/code", "add uv 0.11.8", "set git's user"},
			[]string{"uv 0.11.8", "docker-apt-key 2017-02-22"}},
		{"without a component", "base: debian:12\ncomponents: {docker: false}\npackages: [git]\n",
			[]string{"install cargo git", "make user agent and /agent/code", "add uv 0.11.8", "set git's user"},
			[]string{"uv 0.11.8"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(projecttest.Files("Cargo.lock", "", runtimefile.Name, test.file), Options{})
			projecttest.CheckError(t, err, "")
			g := debianGraph(r.Image())
			def, got := drawn(t, g)
			var downloads []string
			for _, tool := range r.Downloads() {
				downloads = append(downloads, tool.Name+" "+tool.Version)
			}
			if diff := cmp.Diff(test.layers, got) + cmp.Diff(test.downloads, downloads); diff != "" {
				t.Error(diff)
			}
			if want := (llb.Variable{Name: "PATH", Value: "/agent/bin:/usr/local/cargo/bin:/bin"}); g.Env()[0] != want || r.Profile != "rust" {
				t.Errorf("profile %s, %v, want %v", r.Profile, g.Env()[0], want)
			}
			if len(def.Def) <= len(got) {
				t.Errorf("%d operations", len(def.Def))
			}
		})
	}
}
