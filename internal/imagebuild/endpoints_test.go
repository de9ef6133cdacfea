package imagebuild

import (
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

// TestEndpointsShowNoToken: the list of addresses is for a firewall, which needs no token.
func TestEndpointsShowNoToken(t *testing.T) {
	got := endpoints(llb.Layers{{Stage: "tools", Name: "add a", Endpoints: []string{"https://example.com/a.tgz?token=HUNTER2"}}})
	if len(got) != 1 || got[0] != (Endpoint{"https://example.com/a.tgz", "[tools] add a"}) {
		t.Errorf("got %v", got)
	}
}
