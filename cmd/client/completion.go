package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/options"
)

// addCompletion adds completion for the values of all flags and for the project's directory.
func addCompletion(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		for _, o := range options.OfCommand(cmd.Name()) {
			if flag := cmd.Flags().Lookup(string(o.Name)); flag != nil && o.Value != "" {
				_ = cmd.RegisterFlagCompletionFunc(flag.Name, completeValue(o)) // fails only for an unknown flag
			}
		}
		if cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = completeContext(cmd)
		}
	}
}

// completeValue completes the value of an option.
func completeValue(o options.Option) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if o.Name == options.BuilderName {
			o.Choices = builders.Names()
		}
		values, files := o.Complete(begun)
		directive := map[options.Files]cobra.ShellCompDirective{
			options.NoFiles: cobra.ShellCompDirectiveNoFileComp, options.AnyFile: cobra.ShellCompDirectiveDefault,
			options.Directories: cobra.ShellCompDirectiveFilterDirs,
		}[files]
		if len(values) == 1 && strings.HasSuffix(values[0], ",") {
			directive |= cobra.ShellCompDirectiveNoSpace
		}
		return values, directive
	}
}

// completeContext completes a command's arguments: directories if the command takes a project, else nothing.
func completeContext(cmd *cobra.Command) cobra.CompletionFunc {
	if strings.Contains(cmd.Use, "[CONTEXT]") {
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	}
	return cobra.NoFileCompletions
}
