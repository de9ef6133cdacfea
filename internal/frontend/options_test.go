package frontend

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/llb"
)

// TestTable holds the table of options, which imports nothing of ours, to what it speaks of.
func TestTable(t *testing.T) {
	variants := []string{string(plan.None), string(plan.Lock), string(plan.Versioned), string(plan.Scratch)}
	if !slices.Equal(options.Variants, variants) {
		t.Errorf("the table has the variants %v, plan has %v", options.Variants, variants)
	}
	for _, stage := range []string{llb.StageSystem, llb.StageTools, llb.StageDeps, llb.StageExtra} {
		if err := parseFilter(stage); err != nil {
			t.Errorf("--no-cache-filter %s: %v", stage, err)
		}
	}
	if plan.StageDeps != llb.StageDeps || plan.StageSource != llb.StageSource {
		t.Errorf("plan names the images %s and %s", plan.StageDeps, plan.StageSource)
	}
	if parseFilter(llb.StageSource) == nil {
		t.Error("--no-cache-filter takes the stage source, which has no steps")
	}
	var secrets string
	for _, o := range options.OfCommand("solve") {
		if o.Name == options.Secret {
			secrets = o.Help
		}
	}
	for _, id := range llb.Secrets() {
		if id != llb.SecretCA && !strings.Contains(secrets, id) {
			t.Errorf("the help of --secret lacks %s: %s", id, secrets)
		}
	}
	if give := options.BuildArguments.Give(options.CAFile); !strings.Contains(give, "id="+llb.SecretCA+",") {
		t.Errorf("a CA is given by %s, and the secret is %s", give, llb.SecretCA)
	}
}

func TestArgOf(t *testing.T) {
	for field, want := range map[string]string{"base": "BASE_IMAGE", "extra": "EXTRA_DEPS", "version": "RUNTIME_VERSION", "source": "", "": ""} {
		if got := argOf(field); got != want {
			t.Errorf("%s: got %q, want %q", field, got, want)
		}
	}
	f := &file{args: map[string]string{"BASE_IMAGE": "x", "PROFILE": ""}}
	if base, profile := f.argOf("base"), f.argOf("profile"); base != "BASE_IMAGE" || profile != "" {
		t.Errorf("got %q and %q", base, profile)
	}
}

// parseFilter parses a value of --no-cache-filter.
func parseFilter(stage string) error {
	for _, o := range (&options.Steps{}).Group().Options {
		if o.Name == "no-cache-filter" {
			return o.Set(stage)
		}
	}
	return errors.New("there is no --no-cache-filter")
}
