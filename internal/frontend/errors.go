package frontend

import (
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// sourceError attributes an error to the field source.
func sourceError(err error) error { return &llb.FieldError{Field: "source", Err: err} }

// notAProject returns the error for a context that is a single file.
func notAProject(what string) error {
	return llb.FieldErrorf("source", "%s is a single file, not a project: give a directory, a repository or an archive", what)
}

// outsideError returns an error if there are links that leave the context.
func outsideError(links []string) error {
	if len(links) == 0 {
		return nil
	}
	return llb.FieldErrorf("source", "the source has links that leave the context, which no builder can follow: %s: "+
		"make those to files of the context relative (ln -sr), copy what others point to into the context, or add them to ignore", strings.Join(links, ", "))
}

// changedError returns the error for a file whose two transfers differ.
func changedError(name string) error {
	return llb.FieldErrorf("source", "%s came to the builder with two contents: it changed during the build, or an edit kept its size "+
		"and time stamp: touch %s and build again", name, name)
}
