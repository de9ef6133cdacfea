package solve

import (
	"errors"
	"strings"
	"testing"
)

// TestStepErrorOfADownload has what BuildKit says of a file that is not the expected one.
func TestStepErrorOfADownload(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"failed to solve: digest mismatch sha256:aa: sha256:bb", `step "x" failed: its sha256 is aa, expected bb: another file lies at that address, or the server sent an error page instead of it`},
		{"no such host", `step "x" failed: no such host`},
	} {
		if got := (&StepError{Step: "x", Err: errors.New(tt.text)}).Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestPushErrorOfAnImmutableTag has what BuildKit's exporter says of registries that do not let a tag be moved.
func TestPushErrorOfAnImmutableTag(t *testing.T) {
	const said = "failed to push registry.example.com/a/b:1: unexpected status from PUT request to https://registry.example.com/v2/a/b/"
	for _, tt := range []struct {
		text  string
		wants bool
	}{
		{said + "manifests/1: 412 Precondition Failed", true},
		{said + "manifests/1: 409 Conflict", true},
		{said + "manifests/1: 400 Bad Request", true},
		{said + "manifests/1: 403 Forbidden", false},
		{said + "manifests/sha256:aa: 400 Bad Request", false},
		{said + "blobs/uploads/1: 400 Bad Request", false},
	} {
		err := &PushError{Refs: "registry.example.com/a/b:1", Err: errors.New(tt.text)}
		if got := strings.Contains(err.Error(), "let this one be moved"); got != tt.wants {
			t.Errorf("%s: advice %t, want %t", err, got, tt.wants)
		}
	}
}
