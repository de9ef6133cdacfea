// Package flags gives the commands of rtbuild-client their flags, from the table of options. It stands apart from the table because
// the frontend has no flags: its image is pulled by every builder, and carries no parser of command lines.
package flags

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
)

// Add adds to the flags of a command those that it takes of each set. Flags that are not given leave the set at its defaults.
//
// Parsing the flags then gives errors of pflag's; see [Error].
func Add(flags *pflag.FlagSet, command string, sets ...options.Set) {
	for _, set := range sets {
		for _, o := range set.Group().OfCommand(command) {
			add(flags, command, o)
		}
	}
}

func add(flags *pflag.FlagSet, command string, o options.Option) {
	if o.Default != "" {
		_ = o.Set(o.Default) // a test shows that defaults can be parsed
	}
	flag := flags.VarPF(&value{o}, o.Flag(), o.Short, o.HelpFor(command))
	flag.Hidden = o.Hidden
	if o.IsSwitch() {
		flag.NoOptDefVal = "true"
	}
}

// value is an option as pflag has it.
type value struct{ options.Option }

// String is what the help shows as the default.
func (v *value) String() string { return v.Default }

// Error turns an error of pflag's about a value into an [*options.Error]. Other errors stay what they are.
func Error(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	return options.Named("--"+invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
}
