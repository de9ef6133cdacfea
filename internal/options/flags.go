package options

import (
	"errors"

	"github.com/spf13/pflag"
)

// AddFlags adds to the flags of a command those that it takes of each set. Flags that are not given leave the set at its defaults.
//
// Parsing the flags then gives errors of pflag's; see [FlagError].
func AddFlags(flags *pflag.FlagSet, command string, sets ...Set) {
	for _, set := range sets {
		group := set.Group()
		for _, o := range group.Options {
			if group.takes(command, o) {
				addFlag(flags, command, o)
			}
		}
	}
}

func addFlag(flags *pflag.FlagSet, command string, o Option) {
	if o.Default != "" {
		_ = o.into.set(o.Default) // a test shows that defaults can be parsed
	}
	flag := flags.VarPF(&flagValue{o}, o.flag(), o.Short, o.HelpFor(command))
	flag.Hidden = o.Hidden
	if o.into.kind == kindBool {
		flag.NoOptDefVal = "true"
	}
}

// flagValue is an option as pflag has it.
type flagValue struct{ Option }

// String is what the help shows as the default.
func (f *flagValue) String() string { return f.Default }

// Set parses a value.
func (f *flagValue) Set(text string) error { return f.into.set(text) }

// FlagError turns an error of pflag's about a value into an [*Error]. Other errors stay what they are.
func FlagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	return named("--"+invalid.GetFlag().Name, invalid.GetValue(), invalid.Unwrap())
}
