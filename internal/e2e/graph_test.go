package e2e

import (
	"slices"
	"strings"
	"testing"
)

// TestGraph checks that graph lists the addresses of a build from scratch, and neither builds nor publishes.
func TestGraph(t *testing.T) {
	t.Parallel()
	p := small(t)
	res := succeed(t, p.dir, p.args("graph", "--addresses", "--progress", "plain")...)
	listed := strings.Fields(res.stdout)
	for _, want := range []string{"http://" + env.registry.Host, "https://registry.yarnpkg.com"} {
		if !slices.ContainsFunc(listed, func(address string) bool { return strings.HasPrefix(address, want) }) {
			t.Errorf("%s is not listed:\n%s", want, res.stdout)
		}
	}
	if after := p.plan(t); after.Variant != "scratch" || after.Exists["lock"] != "absent" {
		t.Errorf("the plan is %+v", after)
	}
}
