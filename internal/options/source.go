package options

import (
	"errors"
	"fmt"
)

// Source is where options are given. Each has a spelling of its own, for errors and advice.
type Source int

// Where options are given.
const (
	Flags          Source = iota // flags of rtbuild-client
	BuildArguments               // build arguments of the frontend
	BuildArgFlag                 // the flag --build-arg of rtbuild-client
	Variables                    // environment variables of rtbuild-client
)

// Name is how an error calls an option: "--variant", "build argument VARIANT".
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

// Give is what a user writes to give an option: "--base-image", "--build-arg BASE_IMAGE=IMAGE".
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

// Invalid is the error of a value that was parsed, and turns out not to be usable.
func (s Source) Invalid(name Name, value string, err error) error {
	return &Error{Source: s.Name(name), Value: value, Err: err}
}

// Error is an option whose value cannot be used.
type Error struct {
	Source string // where it was given, as [Source.Name] has it
	Value  string // the value, or the part of it that is wrong
	Secret bool   // the value is not repeated in the error's text
	Err    error  // what is wrong with it
}

// Error gives `invalid --variant "x": must be one of ...`.
func (e *Error) Error() string {
	if e.Secret {
		return fmt.Sprintf("invalid %s: %v", e.Source, e.Err)
	}
	return fmt.Sprintf("invalid %s %q: %v", e.Source, e.Value, e.Err)
}

// Unwrap gives what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// wrong is a parser's error about a part of a value. It is named when it is known where the value was given.
func wrong(part, format string, args ...any) error {
	return &Error{Value: part, Err: fmt.Errorf(format, args...)}
}

// Named gives a parser's error its source, such as --variant, and the value that was given.
func Named(source, value string, err error) error {
	var part *Error
	if errors.As(err, &part) {
		return &Error{Source: source, Value: part.Value, Secret: part.Secret, Err: part.Err}
	}
	return &Error{Source: source, Value: value, Err: err}
}
