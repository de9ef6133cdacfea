package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/registry"
)

func newServe() *cobra.Command {
	var untilIdle bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the private buildkitd and registry until stopped",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, err := embeddedOptions()
			if err != nil {
				return withCode(exitBuilder, err)
			}
			options.UntilIdle = untilIdle
			return withCode(exitBuilder, embedded.Serve(cmd.Context(), options))
		},
	}
	cmd.Flags().BoolVar(&untilIdle, "until-idle", false, "stop when the last client has gone")
	_ = cmd.Flags().MarkHidden("until-idle")
	return cmd
}

// embeddedOptions say how our own binary runs the private pair.
func embeddedOptions() (embedded.Options, error) {
	self, err := os.Executable()
	return embedded.Options{
		Command:   []string{self, "serve", "--until-idle"},
		Handler:   registry.Handler,
		Buildkitd: os.Getenv("RTBUILD_BUILDKITD"),
		Log:       func(line string) { _, _ = os.Stderr.WriteString(line + "\n") },
	}, err
}
