package main

import (
	"fmt"
	"os"

	"github.com/rtbuild/rtbuild/internal/buildflags"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/publish"
)

// newBuild says how a project is built.
func newBuild(p *target, d *destination.Destination, flags *buildflags.Flags, debug bool) publish.Build {
	b := publish.Build{Project: p.Project, Destination: d, Note: note, Warn: warn, Settings: flags.Settings}
	if debug {
		b.Debug = func(message string) { fmt.Fprintln(os.Stderr, message) }
	}
	return b
}

// warn tells the user what is not an error.
func warn(message string) { fmt.Fprintf(os.Stderr, "WARNING: %s\n", message) }

// note tells the user what is worth knowing.
func note(message string) { fmt.Fprintf(os.Stderr, "NOTE: %s\n", message) }
