package imagebuild

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
)

// TestCheckAttests: what can be known of attestations before a build is said before it; and no proxy's password is published by one.
func TestCheckAttests(t *testing.T) {
	const sbom, provenance = "attest:sbom", "attest:provenance"
	password := &llb.ProxyEnv{HTTPProxy: "http://proxy:3128", HTTPSProxy: "http://me:HUNTER2@proxy:3128", AllProxy: "HUNTER2@proxy"}
	for _, tt := range []struct {
		name, kind, value string
		proxy             *llb.ProxyEnv
		want              string
	}{
		{name: "bill of materials", kind: sbom},
		{name: "generator", kind: sbom, value: "generator=a/b:c,X=y"},
		{name: "invalid generator", kind: sbom, value: "generator=A B", want: `invalid SBOM generator "A B": invalid reference format`},
		{name: "empty generator", kind: sbom, value: "generator=", want: `invalid SBOM generator ""`},
		{name: "unknown kind", kind: "attest:x", want: `unknown attestation type "x"`},
		{name: "provenance", kind: provenance, value: "mode=max,version=v0.2,reproducible=true,builder-id=x,inline-only=1"},
		{name: "invalid mode", kind: provenance, value: "mode=mid", want: `invalid provenance: mode must be min or max, not "mid"`},
		{name: "invalid version", kind: provenance, value: "version=v9", want: "invalid provenance SLSA version: v9"},
		{name: "invalid switch", kind: provenance, value: "reproducible=perhaps", want: `reproducible must be true or false, not "perhaps"`},
		{name: "password, no provenance", kind: sbom, proxy: password},
		{name: "password, mode min", kind: provenance, value: "mode=min", proxy: password},
		{name: "password, mode max", kind: provenance, value: "mode=max", proxy: password,
			want: "publishes the proxies, but HTTPS_PROXY, ALL_PROXY holds a user or password: use --provenance mode=min"},
		{name: "password, mode full", kind: provenance, value: "mode=full", proxy: password, want: "HTTPS_PROXY"},
		{name: "password, BuildKit's own mode, which is max", kind: provenance, proxy: password, want: "HTTPS_PROXY"},
		{name: "password, by a build argument of BuildKit's", kind: "build-arg:BUILDKIT_ATTEST_PROVENANCE", proxy: password, want: "HTTPS_PROXY"},
		{name: "proxy without a password", kind: provenance, value: "mode=max", proxy: &llb.ProxyEnv{HTTPSProxy: "http://proxy:3128"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckAttests(map[string]string{tt.kind: tt.value}, tt.proxy)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "HUNTER2"):
				t.Errorf("it is shown: %v", err)
			}
		})
	}
}

func TestScannerImage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		attrs map[string]string
		want  string
	}{
		{"nothing", nil, ""},
		{"provenance alone", map[string]string{"attest:provenance": "mode=max"}, ""},
		{"the default", map[string]string{"attest:sbom": ""}, "docker.io/docker/buildkit-syft-scanner:stable-1"},
		{"the user's", map[string]string{"attest:sbom": "generator=example.com/scanner,depth=2"}, "example.com/scanner:latest"},
		{"no image", map[string]string{"attest:sbom": "generator=Bad Ref"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ScannerImage(tt.attrs); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
