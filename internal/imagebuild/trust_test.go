package imagebuild

import (
	"strings"
	"testing"
)

// TestTrustAdvice checks who gets which advice, for the texts by which programs report an unknown authority.
func TestTrustAdvice(t *testing.T) {
	const unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
	for _, tt := range []struct {
		name, text string
		store      TrustStore
		want       string // part of the advice; empty for none
	}{
		{"builder", unknown, BuilderStore, "it is the builder that does not trust the certificate: add its authority to its buildkitd.toml"},
		{"private builder", unknown, PrivateBuilderStore, "it is the private builder that does not trust the certificate: give its authority with --ca-file"},
		{"client", unknown, ClientStore, "it is rtbuild-client that"},
		{"step, npm", "npm error code SELF_SIGNED_CERT_IN_CHAIN", StepStore, "it is the step that"},
		{"step, curl", "SSL certificate problem: unable to get local issuer certificate", StepStore, "it is the step that"},
		{"step, pip", "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", StepStore, "it is the step that"},
		{"an expired certificate", "x509: certificate has expired or is not yet valid", StepStore, ""},
		{"another error", "connection refused", BuilderStore, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.store.Advice(tt.text)
			if line, found := strings.CutPrefix(got, "\n"); found != (tt.want != "") || !strings.HasPrefix(line, tt.want) {
				t.Errorf("got %q, want a line that begins with %q", got, tt.want)
			}
		})
	}
}
