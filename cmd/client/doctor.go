package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/doctor"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	place      placeOptions
	repository string
	format     string
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

// runDoctor prints all findings, then fails if a solve could not work: by exit code, a builder before a registry.
func runDoctor(ctx context.Context, out io.Writer, o *doctorOptions) error {
	if o.format != "text" && o.format != "json" {
		return withCode(exitUsage, fmt.Errorf("invalid --format %q: it is text or json", o.format))
	}
	destination, err := o.place.options()
	if err != nil {
		return err
	}
	destination.Repository = o.repository
	builder := o.place.builderOptions([]ocispecs.Platform{platforms.DefaultSpec()})
	report := doctor.Run(ctx, doctor.Options{Builder: builder, Destination: destination})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if report.Note != "" {
		note(report.Note)
	}
	if err := printReport(out, o.format, report.Findings); err != nil {
		return err
	}
	if report.Builder != nil {
		first, _, _ := strings.Cut(report.Builder.Error(), "\n")
		return withCode(exitBuilder, errors.New("no builder could be used: "+first))
	}
	if refused := new(doctor.PushError); errors.As(report.Repository, &refused) {
		return withCode(exitRegistry, refused)
	}
	return report.Repository
}

func printReport(out io.Writer, format string, findings []doctor.Finding) error {
	if format == "json" {
		return printJSON(out, map[string]any{"checks": findings})
	}
	for _, f := range findings {
		text := f.Found
		if f.Hint != "" {
			text = strings.TrimPrefix(text+"; "+f.Hint, "; ")
		}
		// Further lines are indented below the first.
		text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 28))
		if _, err := fmt.Fprintf(out, "%-8s %-18s %s\n", f.Status, f.Name, text); err != nil {
			return err
		}
	}
	return nil
}
