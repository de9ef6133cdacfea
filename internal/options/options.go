// Package options is the one table of what a user can ask for: the flags of rtbuild-client and the build arguments of the frontend.
//
// A row of the table is an [Option]: a name, a type, a parser, the flag, the build argument and the help text. Rows stand in groups, and a
// group is a struct with a field for each row, such as [Runtime]. Package flags fills the fields from a command line, [ReadArguments] fills
// them from build arguments. Help, shell completion, docker buildx build --call=outline and the tables of the docs are written from the same
// rows.
//
// The package reads no file, environment or network, and imports no other package of rtbuild.
package options

import (
	"slices"
	"strings"
)

// Name is an option's name: that of its flag, or that of its build argument if it has no flag.
type Name string

// Names of options that other packages speak of.
const (
	Annotation   Name = "annotation"
	BaseImage    Name = "base-image"
	CacheFrom    Name = "cache-from"
	CacheTo      Name = "cache-to"
	CAFile       Name = "ca-file"
	ForceRebuild Name = "force-rebuild"
	Label        Name = "label"
	Output       Name = "output"
	Profile      Name = "profile"
	Repository   Name = "repository"
	ReuseFrom    Name = "reuse-from"
	Secret       Name = "secret"
	SSH          Name = "ssh"

	PreviousVersion Name = "previous-version"
)

// Option is a row of the table.
type Option struct {
	Name  Name
	Short string // flag of one letter; may be empty
	Arg   string // build argument of the frontend; empty if there is none
	// AnyCase is set if the build argument is known in lower case too.
	AnyCase bool
	// Instead is how a user of the frontend says what the flag says, where that is no build argument.
	Instead string
	// Field is the field of runtime.yaml that the option overrides; may be empty.
	Field string

	Value     string   // what stands for a value in the docs, such as IMAGE; empty for a switch
	Default   string   // value of an option that is not given; empty if that is the type's zero value
	Unset     string   // in words, what counts for an option that is not given; empty if that goes without saying
	Choices   []string // values that completion offers
	Completes Files    // which files completion offers

	// Help says in one line what the option does. How often it may be given, and what counts if it is not, is added to it.
	Help string
	// Also are commands outside of the group's that take the option too, or for which Help does not fit. Their help is the map's value.
	Also map[string]string
	// Secret is set if a value may hold a password.
	Secret bool
	// Hidden is set for what is not for users.
	Hidden bool

	into value
}

// Files are the names of files that completion offers.
type Files int

// What completion offers for a value.
const (
	NoFiles Files = iota
	AnyFile
	Directories
)

// Type is the type of the option's value, by pflag's names: bool, string, stringArray or uint.
func (o Option) Type() string { return o.into.kind }

// Set parses a value and writes it to the option's field. It may be called several times if the option is repeatable.
func (o Option) Set(text string) error { return o.into.set(text) }

// IsSwitch reports whether the flag may stand without a value, which means true.
func (o Option) IsSwitch() bool { return o.into.kind == kindBool }

// Repeatable reports whether an option may be given several times.
func (o Option) Repeatable() bool { return o.into.kind == kindList }

// HelpFor is the help text of the flag for a command.
func (o Option) HelpFor(command string) string {
	if help, ok := o.Also[command]; ok {
		return help
	}
	return o.noted(o.form(), o.repeated())
}

// Description is the help text of the build argument.
func (o Option) Description() string { return o.noted(o.form()) }

// form is the value as the docs write it, if that says more than its type does.
func (o Option) form() string {
	if strings.ContainsAny(o.Value, "=:/|") {
		return o.Value
	}
	return ""
}

func (o Option) repeated() string {
	if o.Repeatable() {
		return "repeatable"
	}
	return ""
}

// noted is the help text with notes in brackets behind it. Empty ones are left out.
func (o Option) noted(notes ...string) string {
	if o.Unset != "" {
		notes = append(notes, "default: "+o.Unset)
	}
	notes = slices.DeleteFunc(notes, func(note string) bool { return note == "" })
	if len(notes) == 0 {
		return o.Help
	}
	return o.Help + " (" + strings.Join(notes, "; ") + ")"
}

// Group is a part of the table, under a heading.
type Group struct {
	Name     string   // of the table in the docs
	Title    string   // heading of the table
	Commands []string // commands of rtbuild-client that take all options of the group
	Options  []Option
}

// takes reports whether a command has the option.
func (g Group) takes(command string, o Option) bool {
	_, also := o.Also[command]
	return o.Flag() != "" && (also || slices.Contains(g.Commands, command))
}

// OfCommand are the options of the group that a command takes as flags.
func (g Group) OfCommand(command string) []Option {
	return slices.DeleteFunc(slices.Clone(g.Options), func(o Option) bool { return !g.takes(command, o) })
}

// Flag is the name of the option's flag, without dashes; empty if it has none.
func (o Option) Flag() string {
	if string(o.Name) == o.Arg {
		return ""
	}
	return string(o.Name)
}

// Set is a struct whose fields hold the values of a group.
type Set interface {
	// Group gives the rows. Their parsers write to the fields of the struct.
	Group() Group
}

// Groups are all groups of the table, in the order of the docs.
func Groups() []Group {
	var all []Group
	for _, set := range []Set{
		&Runtime{}, &Planning{}, &Builder{}, &Build{}, &Steps{}, &Caches{}, &Attestations{}, &Outputs{}, &Printing{}, &Plan{}, &Solve{},
		&Tags{}, &Prepare{}, &Graph{}, &Diff{}, &Serve{}, &Environment{}, &Scanning{},
	} {
		all = append(all, set.Group())
	}
	return all
}

// OfCommand are the options that a command takes as flags, in the order of the table.
func OfCommand(command string) []Option {
	var all []Option
	for _, g := range Groups() {
		all = append(all, g.OfCommand(command)...)
	}
	return all
}

// Arguments are the options that the frontend takes as build arguments, in the order of the table.
func Arguments() []Option {
	var all []Option
	for _, g := range Groups() {
		for _, o := range g.Options {
			if o.Arg != "" {
				all = append(all, o)
			}
		}
	}
	return all
}

// lookup finds a row by its name.
func lookup(name Name) (Option, bool) {
	for _, g := range Groups() {
		for _, o := range g.Options {
			if o.Name == name {
				return o, true
			}
		}
	}
	return Option{}, false
}
