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
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
)

// doctorOptions are the options of doctor.
type doctorOptions struct {
	builder  options.Builder
	runtime  options.Runtime // only the repository
	printing options.Printing
}

func newDoctor() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a solve needs, and print what is missing",
		Example: "  rtbuild-client doctor\n" +
			"  rtbuild-client doctor --repository registry.example.com/team/runtime",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDoctor(cmd.Context(), cmd.OutOrStdout(), &o)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), &o.builder, &o.runtime, &o.printing)
	return cmd
}

// runDoctor prints all findings, and fails if a solve could not work. If both builder and registry fail, the builder decides the
// exit code.
func runDoctor(ctx context.Context, out io.Writer, o *doctorOptions) error {
	destination, err := destinationOptions(&o.builder)
	if err != nil {
		return err
	}
	destination.Repository = o.runtime.Repository
	builder := builderOptions(&o.builder, []ocispecs.Platform{platforms.DefaultSpec()})
	report := doctor.Run(ctx, doctor.Options{Builder: builder, Destination: destination})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if report.Note != "" {
		note(report.Note)
	}
	if err := printReport(out, o.printing.JSON(), report.Findings); err != nil {
		return err
	}
	if report.Builder != nil {
		first, _, _ := strings.Cut(report.Builder.Error(), "\n")
		return withCode(exitBuilder, errors.New("no usable builder: "+first))
	}
	if refused := new(doctor.PushError); errors.As(report.Repository, &refused) {
		return withCode(exitRegistry, refused)
	}
	return report.Repository
}

func printReport(out io.Writer, asJSON bool, findings []doctor.Finding) error {
	if asJSON {
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
