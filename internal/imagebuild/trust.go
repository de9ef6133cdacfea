package imagebuild

import (
	"fmt"
	"regexp"
)

// untrusted matches how OpenSSL, Node.js, Python and Go report an unknown certificate authority.
var untrusted = regexp.MustCompile(`x509: certificate signed by unknown authority|SELF_SIGNED_CERT|self[- ]signed certificate|` +
	`UNABLE_TO_(VERIFY|GET_ISSUER)|unable to get (local )?issuer certificate|CERTIFICATE_VERIFY_FAILED`)

// TrustAdvice is what to do about an error that comes from a certificate that nobody known has signed, and nothing for any
// other: whose trust store is short decides where the authority is to be added.
func TrustAdvice(err error, whose string) string {
	if !untrusted.MatchString(err.Error()) {
		return ""
	}
	if whose == "the builder" {
		return "\nit is the builder that does not trust the certificate: add its authority to its buildkitd.toml (ca= of the registry) or to the builder's system"
	}
	return fmt.Sprintf("\nit is %s that does not trust the certificate: give its authority with --ca-file", whose)
}
