package releases_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile/releases"
)

// TestReleases wants each download to have a digest for each architecture that it is made for, or to be known to have none.
func TestReleases(t *testing.T) {
	unverified := []string{"openvscode-server"}
	for _, r := range releases.All() {
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
