package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newRoot returns the root command.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rtbuild-client",
		Short: "Build agent runtime images with BuildKit",
		Long: "rtbuild-client turns a base image into an agent runtime image: the base, system packages, tools, locked\n" +
			"dependencies and the agent's own source. It reuses images that a registry has already.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	// OpenHands spells its flags with underscores.
	root.SetGlobalNormalizationFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	root.AddCommand(newTags(), newPlan(), newSolve(), newPrepare(), newInit(), newServe(), newGraph(), newDiff(), newDoctor(), newVersion())
	root.SetFlagErrorFunc(flagError)
	addCompletion(root)
	return root
}
