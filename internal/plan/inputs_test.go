package plan_test

import (
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/plan"
)

func TestScratchFromUnknownBase(t *testing.T) {
	for _, test := range []struct {
		name, base string
		digest     digest.Digest
		want       string
	}{
		{"digest unknown", "debian:bookworm", "", "debian:bookworm"},
		{"pinned by the user", "debian@" + dgst.String(), base, "debian@" + dgst.String()},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := plan.Make(plan.Input{Base: test.base, BaseDigest: test.digest})
			if err != nil || got.From != test.want {
				t.Errorf("from %v, error %v, want %s", got, err, test.want)
			}
		})
	}
}

// TestNoRepositoryPublishesNothing checks that there are no references without a repository, rather than empty ones.
func TestNoRepositoryPublishesNothing(t *testing.T) {
	for _, stage := range []string{plan.StageSource, plan.StageDeps} {
		if got, err := plan.Make(plan.Input{Base: "debian", Force: true, Stage: stage}); err != nil || len(got.Publish) != 0 {
			t.Errorf("%s: got %q, %v", stage, got.Publish, err)
		}
	}
}

func TestInvalidBase(t *testing.T) {
	if got, err := plan.Make(plan.Input{Base: "De bian"}); err == nil || !strings.Contains(err.Error(), `base image "De bian"`) {
		t.Errorf("got %v, %v", got, err)
	}
}
