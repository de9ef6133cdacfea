package frontend

import (
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// inSource is an error that the source causes.
func inSource(err error) error { return &llb.FieldError{Field: "source", Err: err} }

// noProject is the error for a context that is one file.
func noProject(what string) error {
	return llb.FieldErrorf("source", "%s is a file alone, and no project: give a directory, a repository or an archive", what)
}

// outside refuses links that no builder can follow.
func outside(links []string) error {
	if len(links) == 0 {
		return nil
	}
	return llb.FieldErrorf("source", "the source has links that leave the context, which no builder can follow: %s: "+
		"copy what they point to into the context, or add them to ignore", strings.Join(links, ", "))
}

// changedMeanwhile is the error for a file that came to the builder with two contents.
func changedMeanwhile(name string) error {
	return llb.FieldErrorf("source", "%s came to the builder with two contents: it changed during the build, or was edited without a change "+
		"of size and time stamp: touch %s and build again", name, name)
}
