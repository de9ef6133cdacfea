package imagebuild

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/attestations"
	provenancetypes "github.com/moby/buildkit/solver/llbsolver/provenance/types"

	"github.com/rtbuild/rtbuild/internal/redact"
)

// CheckAttests returns an error for attestations that BuildKit or the scanner would refuse after the build, and for provenance that would
// publish a proxy's password. attrs are the attributes of a solve: "attest:sbom", "attest:provenance".
func CheckAttests(attrs map[string]string, proxy *llb.ProxyEnv) error {
	attests, err := attestations.Parse(attrs)
	if err != nil {
		return fmt.Errorf("invalid attestation: %w", err)
	}
	if sbom, ok := attests[attestations.KeyTypeSbom]; ok {
		if _, err := generator(sbom); err != nil {
			return err
		}
	}
	provenance, ok := attests[attestations.KeyTypeProvenance]
	if !ok {
		return nil
	}
	if err := checkProvenance(provenance); err != nil {
		return fmt.Errorf("invalid provenance: %w", err)
	}
	if names := proxiesWithPassword(proxy); names != "" && provenance["mode"] != "min" {
		return fmt.Errorf("provenance with mode=max publishes the proxies, but %s holds a user or password: "+
			"use --provenance mode=min, or give a proxy without credentials: --build-arg NAME=URL", names)
	}
	return nil
}

// ScannerImage returns the scanner image that the attributes of a solve ask for, or "" if they ask for none.
func ScannerImage(attrs map[string]string) string {
	attests, err := attestations.Parse(attrs)
	sbom, ok := attests[attestations.KeyTypeSbom]
	if err != nil || !ok {
		return ""
	}
	name, err := generator(sbom)
	if err != nil {
		return ""
	}
	return name.String()
}

// generator returns the reference of the scanner image.
func generator(sbom map[string]string) (reference.Named, error) {
	name, err := reference.ParseNormalizedNamed(sbom["generator"])
	if err != nil {
		return nil, fmt.Errorf("invalid SBOM generator %q: %w: give an image, [REGISTRY/]NAME[:TAG]", sbom["generator"], err)
	}
	return reference.TagNameOnly(name), nil
}

// checkProvenance checks the attributes that BuildKit itself checks only at the end of a build.
func checkProvenance(attrs map[string]string) error {
	if mode := attrs["mode"]; !slices.Contains([]string{"", "min", "max", "full"}, mode) {
		return fmt.Errorf("mode must be min or max, not %q", mode)
	}
	version := provenancetypes.ProvenanceSLSA(attrs["version"])
	if err := version.Validate(); err != nil {
		return err
	}
	for _, name := range []string{"reproducible", "complete-materials", "inline-only"} {
		if _, err := strconv.ParseBool(cmp.Or(attrs[name], "false")); err != nil {
			return fmt.Errorf("%s must be true or false, not %q", name, attrs[name])
		}
	}
	return nil
}

// proxiesWithPassword returns the names of the proxies that hold credentials.
func proxiesWithPassword(p *llb.ProxyEnv) string {
	if p == nil {
		return ""
	}
	var names []string
	for _, proxy := range []struct{ name, value string }{
		{"HTTP_PROXY", p.HTTPProxy}, {"HTTPS_PROXY", p.HTTPSProxy}, {"FTP_PROXY", p.FTPProxy}, {"ALL_PROXY", p.AllProxy},
	} {
		if redact.HasCredentials(proxy.value) {
			names = append(names, proxy.name)
		}
	}
	return strings.Join(names, ", ")
}
