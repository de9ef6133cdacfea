package llb_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/profile"
	rtllb "github.com/rtbuild/rtbuild/llb"
)

// TestReleases wants each download to have a digest for each architecture that it is made for, or to be known to have none.
func TestReleases(t *testing.T) {
	unverified := []string{"openvscode-server"}
	for _, r := range profile.Releases() {
		t.Run(r.Name+" "+r.Version, func(t *testing.T) {
			for _, arch := range []string{"amd64", "arm64"} {
				sum, ok := r.SHA256[arch]
				switch {
				case !ok:
					t.Errorf("nothing for %s", arch)
				case (sum == "") != slices.Contains(unverified, r.Name):
					t.Errorf("%s: digest %q", arch, sum)
				case sum != "" && (len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != ""):
					t.Errorf("%s: %q is no SHA-256", arch, sum)
				}
				if url := r.Address(arch); strings.ContainsAny(url, "{}") || !strings.HasPrefix(url, "https://") {
					t.Errorf("%s: address %s", arch, url)
				}
			}
		})
	}
}

func TestOpenhandsErrors(t *testing.T) {
	tests := []struct {
		name   string
		change func(*rtllb.Graph)
		want   string
	}{
		{"musl", func(g *rtllb.Graph) { g.Distro.Libc.Musl = true }, "uv 0.11.8 needs glibc 2.17 or newer, but the base image debian:bookworm has musl: use a base of"},
		{"an old glibc", func(g *rtllb.Graph) { g.Distro.Libc.Version = "2.9" }, "uv 0.11.8 needs glibc 2.17 or newer, but the base image debian:bookworm has glibc 2.9"},
		{"too old for the editor", func(g *rtllb.Graph) { g.Distro.Libc.Version = "2.17" }, "openvscode-server 1.98.2 needs glibc 2.28 or newer, but the base image debian:bookworm has glibc 2.17"},
		{"no editor on it", func(g *rtllb.Graph) {
			g.Distro.Libc.Version = "2.17"
			g.Runtime.Components["editor"] = false
		}, ""},
		{"no package manager", func(g *rtllb.Graph) { g.Distro = rtllb.ParseOSRelease([]byte("ID=nixos\nPRETTY_NAME=NixOS")) },
			"the base image is NixOS (os-release ID=nixos) and has no package manager that rtbuild knows (apt, apk, dnf, microdnf, yum, zypper), but packages are to be installed: use a base that has one, or one that brings what is needed, with packages: []"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(openhands())
			test.change(g)
			_, _, err := g.Scratch()
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
			g.Distro = rtllb.ParseOSRelease([]byte(test.osRelease))
			state, _, err := g.Scratch()
			if err != nil {
				t.Fatal(err)
			}
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
