package main

import (
	"fmt"
	"os"

	"github.com/rtbuild/rtbuild/internal/buildflags"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/publish"
)

// newBuild returns the build of a project.
func newBuild(p *target, d *destination.Destination, settings *buildflags.Settings, debug bool) publish.Build {
	b := publish.Build{Project: p.Project, Destination: d, Note: note, Warn: warn, Settings: settings.Settings}
	if debug {
		b.Debug = func(message string) { fmt.Fprintln(os.Stderr, message) }
	}
	return b
}

// warn prints a warning.
func warn(message string) { fmt.Fprintf(os.Stderr, "WARNING: %s\n", message) }

// note prints a note.
func note(message string) { fmt.Fprintf(os.Stderr, "NOTE: %s\n", message) }
