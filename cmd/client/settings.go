package main

import (
	"fmt"
	"os"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/publish"
)

// forProject says how a project is built. reuse are the repositories of --reuse-from.
func (o *buildOptions) forProject(p *project.Project, d *destination.Destination, flags *buildFlags, where *placeOptions, reuse []string) publish.Build {
	b := publish.Build{
		Project: p, Destination: d, Note: note, Warn: warn,
		Settings: publish.Settings{
			Common: flags.request, Annotations: flags.manifestAnnotations, ExportAnnotations: flags.exportAnnotations(),
			Attests: flags.attests, CacheImports: flags.caches.imports, CacheExports: flags.caches.exports, Reuse: reuse,
			Session: flags.session, Passwords: flags.passwords, Entitlements: o.step.allowed(),
			CAFile: where.caFile, Retries: o.retries, Progress: o.progress,
		},
	}
	if where.debug {
		b.Debug = func(message string) { fmt.Fprintln(os.Stderr, message) }
	}
	return b
}

// warn tells the user what is not an error.
func warn(message string) { fmt.Fprintf(os.Stderr, "WARNING: %s\n", message) }

// note tells the user what is worth knowing.
func note(message string) { fmt.Fprintf(os.Stderr, "NOTE: %s\n", message) }
