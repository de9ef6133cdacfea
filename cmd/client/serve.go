package main

import (
	"os"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/registry"
)

func newServe() *cobra.Command {
	var o options.Serve
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the private buildkitd and registry until stopped",
		Long: "serve runs the private buildkitd and registry until it is stopped. Meanwhile images can be pulled, and solves need\n" +
			"not start the pair. Every program on this machine may pull. A push needs a password; serve prints how to log in.\n" +
			embedded.PortEnv + " sets the registry's port, " + embedded.HomeEnv + " the directory of all state and data,\n" +
			"and " + embedded.BuildkitdEnv + " the path of buildkitd.",
		Example: "  rtbuild-client serve\n" +
			"  RTBUILD_REGISTRY_PORT=5000 rtbuild-client serve",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			private, err := embeddedOptions()
			if err != nil {
				return withCode(exitBuilder, err)
			}
			private.UntilIdle = o.UntilIdle
			logrus.SetLevel(logrus.PanicLevel) // distribution logs every request; the private registry keeps a log of its own
			return withCode(exitBuilder, embedded.Serve(cmd.Context(), private))
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), &o)
	return cmd
}

// embeddedOptions returns the options with which this program runs the private pair.
func embeddedOptions() (embedded.Options, error) {
	self, err := os.Executable()
	return embedded.Options{
		Command: []string{self, "serve", "--until-idle"},
		Handler: registry.Handler,
		Log:     func(line string) { _, _ = os.Stderr.WriteString(line + "\n") },
	}, err
}
