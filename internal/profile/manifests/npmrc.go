package manifests

import (
	"bytes"
	"regexp"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// NPMRC holds a project's npm settings.
const NPMRC = ".npmrc"

// notVariable matches the beginning of a value that is more than a reference to a variable: a text, a reference with a default, and one with
// a text behind it.
const notVariable = `(?:[^\s$"']|\$[^{\s]|\$\{[^}\s]*-[^}\s]+\}|\$\{[^}\s]*\}[^\s"',;}])`

// NPMToken matches a token, a password or a private key in npm's settings, also a password in a URL. A reference to a variable, as in
// ${NPM_TOKEN}, is none.
var NPMToken = regexp.MustCompile(`_(auth|authToken|password)[ \t]*=[ \t]*["']?` + notVariable + `|://[^/\s:@]*:[^/\s@$][^/\s@]*@|-----BEGIN [A-Z ]*PRIVATE KEY`)

// CheckNPMRC returns an error if npm's settings hold a secret. It points at the line, and does not show it.
func CheckNPMRC(settings []byte) error {
	at := NPMToken.FindIndex(settings)
	if at == nil {
		return nil
	}
	line := bytes.Count(settings[:at[0]], []byte("\n")) + 1
	return projectfile.Text{Name: NPMRC}.At(line, 0, "write ${NPM_TOKEN} or another variable instead, or leave the file out by a line .npmrc in .dockerignore; "+
		"and pass the file with the login by --secret id=npmrc,src=FILE",
		"it holds a secret, and everybody who can pull the deps image could read it")
}
