package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	place      placeOptions
	repository string
	format     string
}

// How a check ended.
const (
	checkOK      = "ok"
	checkMissing = "missing" // a solve with these flags would want it
	checkNote    = "note"    // worth knowing, not needed
)

// check is one line of what doctor found.
type check struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Found  string `json:"found,omitempty"`
	Hint   string `json:"hint,omitempty"` // what to do
}

func newDoctor() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what a solve needs, what is there and what is missing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), cmd.OutOrStdout(), &o)
		},
	}
	o.place.register(cmd)
	cmd.Flags().StringVar(&o.repository, "repository", "", "also check that this repository can be reached and pushed to")
	cmd.Flags().StringVar(&o.format, "format", "text", "output format: text or json")
	return cmd
}

// runDoctor prints all checks, then fails if a solve could not work: by exit code, a builder before a registry.
func runDoctor(ctx context.Context, out io.Writer, o *doctorOptions) error {
	if o.format != "text" && o.format != "json" {
		return withCode(exitUsage, fmt.Errorf("invalid --format %q: it is text or json", o.format))
	}
	embeddedRegistry := checkRegistry(ctx) // before the builder's check starts it
	checks, builderErr := o.checkBuilder(ctx)
	checks = append(checks, o.checkTrust(), embeddedRegistry)
	checks = append(checks, checkCredentials(os.Getenv("PATH"))...)
	repository, registryErr := o.checkRepository(ctx)
	checks = append(checks, repository...)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := printChecks(out, o.format, checks); err != nil {
		return err
	}
	if builderErr != nil {
		return withCode(exitBuilder, errors.New("no builder could be used: "+firstLine(builderErr)))
	}
	return registryErr
}

func printChecks(out io.Writer, format string, checks []check) error {
	if format == "json" {
		return printJSON(out, map[string]any{"checks": checks})
	}
	for _, c := range checks {
		text := c.Found
		if c.Hint != "" {
			text = strings.TrimPrefix(text+"; "+c.Hint, "; ")
		}
		// What goes on is indented below what it belongs to.
		text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 28))
		if _, err := fmt.Fprintf(out, "%-8s %-18s %s\n", c.Status, c.Name, text); err != nil {
			return err
		}
	}
	return nil
}
