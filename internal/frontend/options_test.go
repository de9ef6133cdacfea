package frontend

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/llb"
)

// TestTable holds the table of options, which imports nothing of ours, to what it speaks of.
func TestTable(t *testing.T) {
	for _, name := range options.Variants {
		if _, err := plan.ParseVariant(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := plan.ParseVariant("x"); err == nil || !strings.Contains(err.Error(), strings.Join(options.Variants, ", ")) {
		t.Errorf("the table has the variants %v, plan says: %v", options.Variants, err)
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
