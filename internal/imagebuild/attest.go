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

// CheckAttests refuses, before anything is built, attestations that BuildKit or the scanner would refuse afterwards, and those that would
// publish a proxy's password. The attributes are those of a solve: "attest:sbom", "attest:provenance".
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
		return fmt.Errorf("a provenance of mode max publishes the proxies, and %s holds a user or password: "+
			"ask for --provenance mode=min, or give a proxy that needs none: --build-arg NAME=URL", names)
	}
	return nil
}

// ScannerImage returns the image of the scanner that the attributes of a solve ask for, or "" if they ask for none.
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

// generator is the scanner's image.
func generator(sbom map[string]string) (reference.Named, error) {
	name, err := reference.ParseNormalizedNamed(sbom["generator"])
	if err != nil {
		return nil, fmt.Errorf("invalid generator %q of a bill of materials: %w: it is an image, [REGISTRY/]NAME[:TAG]", sbom["generator"], err)
	}
	return reference.TagNameOnly(name), nil
}

// checkProvenance checks what BuildKit looks at when the image is finished.
func checkProvenance(attrs map[string]string) error {
	if mode := attrs["mode"]; !slices.Contains([]string{"", "min", "max", "full"}, mode) {
		return fmt.Errorf("mode is min or max, not %q", mode)
	}
	version := provenancetypes.ProvenanceSLSA(attrs["version"])
	if err := version.Validate(); err != nil {
		return err
	}
	for _, name := range []string{"reproducible", "complete-materials", "inline-only"} {
		if _, err := strconv.ParseBool(cmp.Or(attrs[name], "false")); err != nil {
			return fmt.Errorf("%s is true or false, not %q", name, attrs[name])
		}
	}
	return nil
}

// proxiesWithPassword names the proxies that hold credentials.
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
