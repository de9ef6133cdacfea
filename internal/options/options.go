// Package options is the table of all user options: the flags of rtbuild-client and the build arguments of the frontend.
//
// A row of the table is an [Option]: a name, a type, a parser, the flag, the build argument and the help text. Rows belong to groups. A
// group is a struct with a field for each row, such as [Runtime]. Package flags fills the fields from a command line, and [ReadArguments]
// fills them from build arguments. Help, shell completion, docker buildx build --call=outline and the tables of the docs are generated from
// the same rows.
//
// The package reads no file, environment or network, and imports no other package of rtbuild.
package options

import (
	"slices"
	"strings"
)

// Name is the name of an option: that of its flag or, without one, that of its build argument.
type Name string

// Names of options that other packages refer to.
const (
	Annotation   Name = "annotation"
	BaseImage    Name = "base-image"
	BuilderName  Name = "builder"
	CacheFrom    Name = "cache-from"
	CacheTo      Name = "cache-to"
	CAFile       Name = "ca-file"
	Compress     Name = "compression"
	ForceRebuild Name = "force-rebuild"
	Label        Name = "label"
	Output       Name = "output"
	Profile      Name = "profile"
	Pull         Name = "pull"
	Repository   Name = "repository"
	ReuseFrom    Name = "reuse-from"
	Secret       Name = "secret"
	SSH          Name = "ssh"
	Tag          Name = "tag"
	Variant      Name = "variant"

	PreviousVersion Name = "previous-version"
)

// Option is a row of the table.
type Option struct {
	Name  Name
	Short string // flag of one letter; may be empty
	Arg   string // build argument of the frontend; empty if there is none
	// AnyCase is set if the build argument may be in lower case, too.
	AnyCase bool
	// Instead is what a user of the frontend writes instead of the flag, if there is no build argument.
	Instead string
	// Field is the field of runtime.yaml that the option overrides; may be empty.
	Field string

	Value     string   // placeholder for a value in the docs, such as IMAGE; empty for a switch
	Default   string   // default value; empty: the type's zero value
	Unset     string   // description of the default, if it is not a constant
	Choices   []string // values that completion offers
	Completes Files    // which files completion offers

	// Help describes the option in one line. The help text adds whether it is repeatable, and its default.
	Help string
	// Also maps further commands that take the option, and commands for which Help does not fit, to their help.
	Also map[string]string
	// Secret is set if a value may hold a password.
	Secret bool
	// Hidden is set for options that are not for users.
	Hidden bool

	into value
}

// Files says which file names completion offers.
type Files int

// The kinds of file names.
const (
	NoFiles Files = iota
	AnyFile
	Directories
)

// ignoredByGraph says in the help of graph that the options, except some, have no effect there. graph takes these options so
// that a script can give graph and solve the same.
func ignoredByGraph(all []Option, except ...Name) []Option {
	for i, o := range all {
		if !slices.Contains(except, o.Name) {
			all[i].Also = map[string]string{"graph": "No effect on the addresses"}
		}
	}
	return all
}

// Type returns the type of the option's value, by pflag's names: bool, string, stringArray or uint.
func (o Option) Type() string { return o.into.kind }

// Set parses a value and writes it to the option's field. It may be called several times if the option is repeatable.
func (o Option) Set(text string) error { return o.into.set(text) }

// IsSwitch reports whether the flag may be given without a value, which means true.
func (o Option) IsSwitch() bool { return o.into.kind == kindBool }

// Repeatable reports whether an option may be given several times.
func (o Option) Repeatable() bool { return o.into.kind == kindList }

// HelpFor returns the help text of the flag for a command.
func (o Option) HelpFor(command string) string {
	if help, ok := o.Also[command]; ok {
		return help
	}
	return o.noted(o.form(), o.repeated())
}

// Description returns the help text of the build argument.
func (o Option) Description() string { return o.noted(o.form()) }

// form returns the placeholder of the value if it says more than the type.
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

// noted returns the help text with notes in parentheses. It omits empty notes.
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

// OfCommand returns the options of the group that a command takes as flags.
func (g Group) OfCommand(command string) []Option {
	return slices.DeleteFunc(slices.Clone(g.Options), func(o Option) bool { return !g.takes(command, o) })
}

// Flag returns the name of the option's flag without dashes, or "" if it has none.
func (o Option) Flag() string {
	if string(o.Name) == o.Arg {
		return ""
	}
	return string(o.Name)
}

// Set is a struct whose fields hold the values of a group.
type Set interface {
	// Group returns the rows. Their parsers write to the fields of the struct.
	Group() Group
}

// Groups returns all groups of the table, in the order of the docs.
func Groups() []Group {
	var all []Group
	for _, set := range []Set{
		&Runtime{}, &Planning{}, &Builder{}, &Build{}, &Steps{}, &Caches{}, &Attestations{}, &Outputs{}, &Compression{}, &Printing{}, &Plan{}, &Solve{},
		&Tags{}, &Prepare{}, &Init{}, &Graph{}, &Diff{}, &Serve{}, &Environment{}, &Scanning{},
	} {
		all = append(all, set.Group())
	}
	return all
}

// OfCommand returns the options that a command takes as flags, in the order of the table.
func OfCommand(command string) []Option {
	var all []Option
	for _, g := range Groups() {
		all = append(all, g.OfCommand(command)...)
	}
	return all
}

// Arguments returns the options that the frontend takes as build arguments, in the order of the table.
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

// lookup returns the row with a name.
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
