package options

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Types of values, by pflag's names.
const (
	kindBool  = "bool"
	kindText  = "string"
	kindList  = "stringArray"
	kindCount = "uint"
)

// value is a variable of a set and the parser that sets it.
type value struct {
	kind string
	set  func(text string) error
}

// Type returns the type for the help.
func (v value) Type() string { return v.kind }

// text accepts any text.
func text(into *string) value {
	return value{kindText, func(text string) error { *into = text; return nil }}
}

// checked accepts the texts that a check accepts.
func checked(into *string, check func(string) error) value {
	return value{kindText, func(text string) error {
		if err := check(text); err != nil {
			return err
		}
		*into = text
		return nil
	}}
}

// texts accepts any text, and collects several.
func texts(into *[]string) value {
	return value{kindList, func(text string) error { *into = append(*into, text); return nil }}
}

// boolean accepts the texts of strconv.ParseBool.
func boolean(into *bool) value {
	return value{kindBool, func(text string) (err error) { *into, err = parseBool(text); return err }}
}

// inverse is like boolean, for an option that means the opposite of its variable.
func inverse(into *bool) value {
	return value{kindBool, func(text string) error {
		on, err := parseBool(text)
		*into = !on
		return err
	}}
}

func parseBool(text string) (bool, error) {
	on, err := strconv.ParseBool(text)
	if err != nil {
		return false, wrong(text, "must be true or false")
	}
	return on, nil
}

// count accepts a whole number from 0.
func count(into *uint) value {
	return value{kindCount, func(text string) error {
		n, err := strconv.ParseUint(text, 0, 32)
		if err != nil {
			return wrong(text, "must be a whole number from 0 to 4294967295")
		}
		*into = uint(n)
		return nil
	}}
}

// oneOf accepts one of the known texts.
func oneOf(into *string, known ...string) value {
	return value{kindText, func(text string) error {
		if !slices.Contains(known, text) {
			return wrong(text, "must be %s", alternatives(known))
		}
		*into = text
		return nil
	}}
}

// someOf accepts known texts, separated by commas, and collects several values.
func someOf(into *[]string, known ...string) value {
	return value{kindList, func(text string) error {
		for part := range strings.SplitSeq(text, ",") {
			if part == "" {
				continue
			}
			if !slices.Contains(known, part) {
				return wrong(part, "must be %s", alternatives(known))
			}
			*into = append(*into, part)
		}
		return nil
	}}
}

// optional ignores an empty text.
func optional(v value) value {
	return value{v.kind, func(text string) error {
		if text == "" {
			return nil
		}
		return v.set(text)
	}}
}

// alternatives returns "a, b or c".
func alternatives(all []string) string {
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// parsed collects the values of a parser.
func parsed[T any](into *[]T, parse func(string) ([]T, error)) value {
	return value{kindList, func(text string) error {
		more, err := parse(text)
		*into = append(*into, more...)
		return err
	}}
}

// KeyValue is a value of the form KEY=VALUE, or KEY alone.
type KeyValue struct {
	Key, Value string
	Alone      bool // no value is given
}

var errNoKey = errors.New("must be KEY=VALUE, and the key is missing")

// parseKeyValue reads KEY=VALUE or KEY. The value may be a secret, so errors do not repeat it.
func parseKeyValue(text string) ([]KeyValue, error) {
	key, value, given := strings.Cut(text, "=")
	if key == "" {
		return nil, &Error{Secret: true, Err: errNoKey}
	}
	return []KeyValue{{key, value, !given}}, nil
}

// Pairs returns a list as a map; the last value of a key counts. If alone is set, it returns the value of a key without one, or false to
// omit the key: as in buildx, a build argument then takes its value from the environment. If alone is nil, such a value is empty, so that a
// label never publishes a variable by accident.
func Pairs(list []KeyValue, alone func(key string) (string, bool)) map[string]string {
	all := map[string]string{}
	for _, kv := range list {
		value, ok := kv.Value, true
		if kv.Alone && alone != nil {
			value, ok = alone(kv.Key)
		}
		if ok {
			all[kv.Key] = value
		}
	}
	return all
}

// in extends an error about a part of a value to the whole value.
func in(text string, err error) error {
	var part *Error
	if errors.As(err, &part) {
		err = part.Err
	}
	return &Error{Value: text, Err: err}
}
