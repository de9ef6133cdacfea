package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// oneContext refuses more than one argument.
func oneContext(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one CONTEXT, not %d: %s", cmd.Name(), len(args), strings.Join(args, " "))
	}
	return nil
}

// noArguments refuses arguments.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, and %q was given", cmd.Name(), args[0])
	}
	return nil
}

// twoImages refuses all but two arguments.
func twoImages(cmd *cobra.Command, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%s compares two images: give IMAGE IMAGE (%d given)", cmd.Name(), len(args))
	}
	return nil
}

// flagError returns the error for flags that cannot be parsed. An unknown flag gets a suggestion.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return flags.Error(err)
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, "--"+f.Name)
		}
	})
	hint := runtimefile.Suggest("--"+unknown.GetSpecifiedName(), known)
	if !strings.HasPrefix(hint, "did you mean") {
		hint = cmd.CommandPath() + " --help lists all"
	}
	return fmt.Errorf("%w: %s", err, hint)
}
