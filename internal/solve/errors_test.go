package solve

import (
	"errors"
	"strings"
	"testing"
)

// TestStepErrorOfADownload has BuildKit's error for a download with a wrong checksum.
func TestStepErrorOfADownload(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"failed to solve: digest mismatch sha256:aa: sha256:bb", `step "x" failed: its sha256 is aa, expected bb: the address has another file now, or the server sent an error page`},
		{"no such host", `step "x" failed: no such host`},
	} {
		if got := (&StepError{Step: "x", Err: errors.New(tt.text)}).Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestPushErrorOfAnImmutableTag has the errors of BuildKit's exporter for immutable tags.
func TestPushErrorOfAnImmutableTag(t *testing.T) {
	const prefix = "failed to push registry.example.com/a/b:1: unexpected status from PUT request to https://registry.example.com/v2/a/b/"
	for _, tt := range []struct {
		text  string
		wants bool
	}{
		{prefix + "manifests/1: 412 Precondition Failed", true},
		{prefix + "manifests/1: 409 Conflict", true},
		{prefix + "manifests/1: 400 Bad Request", true},
		{prefix + "manifests/1: 403 Forbidden", false},
		{prefix + "manifests/sha256:aa: 400 Bad Request", false},
		{prefix + "blobs/uploads/1: 400 Bad Request", false},
	} {
		err := &PushError{Refs: "registry.example.com/a/b:1", Err: errors.New(tt.text)}
		if got := strings.Contains(err.Error(), "allow this tag to move"); got != tt.wants {
			t.Errorf("%s: advice %t, want %t", err, got, tt.wants)
		}
	}
}
