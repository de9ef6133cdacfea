package options

import (
	"errors"
	"fmt"
)

// Source is the place where options are given. Errors and advice use its spelling.
type Source int

// The sources.
const (
	Flags          Source = iota // flags of rtbuild-client
	BuildArguments               // build arguments of the frontend
	BuildArgFlag                 // the flag --build-arg of rtbuild-client
	Variables                    // environment variables of rtbuild-client
)

// Name returns the name of an option in errors: "--variant", "build argument VARIANT".
func (s Source) Name(name Name) string {
	o, _ := lookup(name)
	switch {
	case s == BuildArguments && o.Arg != "":
		return "build argument " + o.Arg
	case s == BuildArgFlag && o.Arg != "":
		return "--build-arg " + o.Arg
	case s == Variables && o.Arg != "":
		return "environment variable " + o.Arg
	}
	return "--" + string(name)
}

// Give returns what a user writes to give an option: "--base-image", "--build-arg BASE_IMAGE=IMAGE".
func (s Source) Give(name Name) string {
	o, _ := lookup(name)
	switch {
	case s == Flags || o.Arg == "" && o.Instead == "":
		return "--" + string(name)
	case o.Arg == "":
		return o.Instead
	case o.Value == "":
		return "--build-arg " + o.Arg + "=1"
	}
	return "--build-arg " + o.Arg + "=" + o.Value
}

// GiveValue returns what a user writes to give an option a value: "--variant lock", "--build-arg VARIANT=lock".
func (s Source) GiveValue(name Name, value string) string {
	if o, _ := lookup(name); s != Flags && o.Arg != "" {
		return "--build-arg " + o.Arg + "=" + value
	}
	return "--" + string(name) + " " + value
}

// Invalid returns the error for a value that parses but cannot be used.
func (s Source) Invalid(name Name, value string, err error) error {
	return &Error{Source: s.Name(name), Value: value, Err: err}
}

// Error reports an option with an invalid value.
type Error struct {
	Source string // the option, as [Source.Name] returns it
	Value  string // the value, or the part of it that is wrong
	Secret bool   // the error's text omits the value
	Err    error  // what is wrong with it
}

// Error returns a text such as `invalid --variant "x": must be one of ...`.
func (e *Error) Error() string {
	if e.Secret {
		return fmt.Sprintf("invalid %s: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("invalid %s %q: %v", e.Source, e.Value, e.Err)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// wrong returns a parser's error about a part of a value. [Named] adds the option.
func wrong(part, format string, args ...any) error {
	return &Error{Value: part, Err: fmt.Errorf(format, args...)}
}

// Named adds the option, such as --variant, and the given value to a parser's error.
func Named(source, value string, err error) error {
	var part *Error
	if errors.As(err, &part) {
		return &Error{Source: source, Value: part.Value, Secret: part.Secret, Err: part.Err}
	}
	return &Error{Source: source, Value: value, Err: err}
}
