package imagebuild

import "regexp"

// TrustStore says who checked a certificate, with the authorities of its own trust store.
type TrustStore int

// The trust stores of a build. The zero value is that of a builder which rtbuild does not run.
const (
	BuilderStore        TrustStore = iota // a builder: buildkitd.toml and its system
	PrivateBuilderStore                   // the private builder, which gets the authorities of --ca-file
	StepStore                             // a program in a step, which gets them too
	ClientStore                           // rtbuild-client itself
)

// trustAdvice says for each store how to add an authority.
var trustAdvice = [...]string{
	BuilderStore: "the builder that does not trust the certificate: add its authority to its buildkitd.toml (ca= of the registry) " +
		"or to the builder's system",
	PrivateBuilderStore: "the private builder that does not trust the certificate: give its authority with --ca-file",
	StepStore:           "the step that does not trust the certificate: give its authority with --ca-file",
	ClientStore:         "rtbuild-client that does not trust the certificate: give its authority with --ca-file",
}

// untrusted matches how OpenSSL, Node.js, Python and Go report an unknown certificate authority.
var untrusted = regexp.MustCompile(`x509: certificate signed by unknown authority|SELF_SIGNED_CERT|self[- ]signed certificate|` +
	`UNABLE_TO_(VERIFY|GET_ISSUER)|unable to get (local )?issuer certificate|CERTIFICATE_VERIFY_FAILED`)

// Advice returns a line that says where to add the authority, beginning with a newline, if text reports a certificate of an unknown
// authority. It returns nothing for any other text. text is an error or the output of a step.
func (s TrustStore) Advice(text string) string {
	if !untrusted.MatchString(text) {
		return ""
	}
	return "\nit is " + trustAdvice[s]
}
