// Package flags adds the options of the table to the commands of rtbuild-client, as flags. It is separate from the table because the
// frontend needs no flags: every builder pulls its image, which should hold no parser of command lines.
package flags

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/rtbuild/rtbuild/internal/options"
)

// Add adds to a command the flags of each set that the command takes. Flags that are not given keep the set's defaults.
//
// Parsing then returns errors of pflag; see [Error].
func Add(flags *pflag.FlagSet, command string, sets ...options.Set) {
	for _, set := range sets {
		for _, o := range set.Group().OfCommand(command) {
			add(flags, command, o)
		}
	}
}

func add(flags *pflag.FlagSet, command string, o options.Option) {
	if o.Default != "" {
		_ = o.Set(o.Default) // a test parses all defaults
	}
	flag := flags.VarPF(&value{o}, o.Flag(), o.Short, o.HelpFor(command))
	flag.Hidden = o.Hidden
	if o.IsSwitch() {
		flag.NoOptDefVal = "true"
	}
}

// value implements pflag.Value for an option.
type value struct{ options.Option }

// String returns the default that the help shows.
func (v *value) String() string { return v.Default }

// Error turns pflag's error about a value into an [*options.Error]. It returns other errors unchanged.
func Error(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	return options.Named("--"+invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
}
