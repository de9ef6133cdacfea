package llb_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/llb"
)

func TestOpenhandsErrors(t *testing.T) {
	tests := []struct {
		name   string
		change func(*llb.Graph)
		want   string
	}{
		{"musl", func(g *llb.Graph) { g.Distro.Libc.Musl = true }, "uv 0.11.8 needs glibc 2.17 or newer, but the base image debian:bookworm has musl: use a newer"},
		{"an old glibc", func(g *llb.Graph) { g.Distro.Libc.Version = "2.9" }, "uv 0.11.8 needs glibc 2.17 or newer, but the base image debian:bookworm has glibc 2.9"},
		{"too old for the editor", func(g *llb.Graph) { g.Distro.Libc.Version = "2.17" }, "openvscode-server 1.98.2 needs glibc 2.28 or newer, but the base image debian:bookworm has glibc 2.17"},
		{"no editor on it", func(g *llb.Graph) {
			g.Runtime = openhands("browser", "docker")
			g.Distro.Libc.Version = "2.17"
		}, ""},
		{"no package manager", func(g *llb.Graph) { g.Distro = llb.ParseOSRelease([]byte("ID=nixos\nPRETTY_NAME=NixOS")) },
			"the base image is NixOS (os-release ID=nixos) and has no package manager that rtbuild knows (apt, apk, dnf, microdnf, yum, zypper), but packages must be installed: use a base with one of them, or a base that already has everything, and set packages: []"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(openhands(all...))
			test.change(g)
			_, err := g.UpTo(llb.StageDeps)
			checkError(t, err, test.want)
		})
	}
}

func TestPackageManagers(t *testing.T) {
	tests := []struct {
		name, osRelease string
		want            []string // lines of the installing step
	}{
		{"apt", "ID=debian\nVERSION_CODENAME=trixie", []string{"set -- ca-certificates git jq", "apt-get -qq install -y --no-install-recommends \"$@\""}},
		{"apk", "ID=alpine", []string{"set -- ca-certificates git never shadow", `apk add --cache-dir /var/cache/apk ${sources:+--repositories-file "$sources/repositories"} "$@"`}},
		{"dnf", "ID=fedora", []string{"set -- ca-certificates git shadow-utils", "  --setopt=cachedir=/var/cache/dnf --setopt=keepcache=1 --setopt=install_weak_deps=0 --setopt=tsflags=nodocs install \"$@\""}},
		{"zypper", "ID=opensuse-leap", []string{"set -- ca-certificates git shadow", "zypper install --no-recommends --auto-agree-with-licenses \"$@\" || code=$?"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(node())
			g.Distro = llb.ParseOSRelease([]byte(test.osRelease))
			state, _ := draw(t, g, fromScratch)
			var got []string
			for line := range strings.Lines(describe(t, state)) {
				if line = strings.TrimSuffix(line, "\n"); slices.Contains(test.want, line) {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPackagesByRelease(t *testing.T) {
	packages := llb.Packages{
		"": {"git"}, "apt": {"jq"}, "debian": {"one"}, "debian trixie": {"libcups2t64"}, "debian bookworm": {"libcups2"},
		"apt other": {"libcups2t64|libcups2"}, "dnf": {"cups-libs"},
	}
	tests := []struct{ name, osRelease, want string }{
		{"a release", "ID=debian\nVERSION_CODENAME=trixie", "git jq libcups2t64 one"},
		{"another", "ID=debian\nVERSION_CODENAME=bookworm", "git jq libcups2 one"},
		{"a release without a key", "ID=debian\nVERSION_CODENAME=forky", "git jq libcups2t64|libcups2 one"},
		{"a descendant", "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\nVERSION_CODENAME=wilma", "git jq libcups2t64|libcups2"},
		{"another package manager", "ID=fedora", "cups-libs git shadow-utils"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(node())
			g.Distro, g.Runtime.Packages = llb.ParseOSRelease([]byte(test.osRelease)), []llb.Packages{packages}
			g.Runtime.Interpreter = llb.Interpreter{}
			_, layers := draw(t, g, func(g *llb.Graph) (llb.Layers, error) { return g.UpTo(llb.StageSystem) })
			if want := "install " + test.want; layers[0].Name != want {
				t.Errorf("the first layer is %q, want %q", layers[0].Name, want)
			}
		})
	}
}
