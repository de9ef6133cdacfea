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

// value is a variable of a set, with the parser that fills it.
type value struct {
	kind string
	set  func(text string) error
}

// Type is the type of value that the help shows.
func (v value) Type() string { return v.kind }

// text takes any text.
func text(into *string) value {
	return value{kindText, func(text string) error { *into = text; return nil }}
}

// texts takes any text, several times.
func texts(into *[]string) value {
	return value{kindList, func(text string) error { *into = append(*into, text); return nil }}
}

// boolean takes what strconv.ParseBool takes.
func boolean(into *bool) value {
	return value{kindBool, func(text string) (err error) { *into, err = parseBool(text); return err }}
}

// inverse is boolean for an option that says the opposite of its variable.
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

// count takes a number from 0.
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

// oneOf takes one of some texts.
func oneOf(into *string, known ...string) value {
	return value{kindText, func(text string) error {
		if !slices.Contains(known, text) {
			return wrong(text, "must be %s", alternatives(known))
		}
		*into = text
		return nil
	}}
}

// someOf takes some of a few texts, separated by commas, several times.
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

// optional takes an empty text for an option that is not given.
func optional(v value) value {
	return value{v.kind, func(text string) error {
		if text == "" {
			return nil
		}
		return v.set(text)
	}}
}

// alternatives writes "a, b or c".
func alternatives(all []string) string {
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

// parsed takes values of a parser, several times.
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

// parseKeyValue reads KEY=VALUE or KEY. The value may be a secret, so no error repeats it.
func parseKeyValue(text string) ([]KeyValue, error) {
	key, value, given := strings.Cut(text, "=")
	if key == "" {
		return nil, &Error{Secret: true, Err: errNoKey}
	}
	return []KeyValue{{key, value, !given}}, nil
}

// Pairs gives keys with values as a map; the last of a key counts. alone gives the value of a key alone: as in buildx, that of a build
// argument is the environment's. A key for which alone reports false is left out. Without alone, such a value is empty, so that a label
// publishes no variable by accident.
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

// notKeyValue says that a field of a value is no pair.
func notKeyValue(text, field string) error {
	return wrong(text, "%q must be KEY=VALUE", field)
}

// in makes an error about a part of a value one about the whole.
func in(text string, err error) error {
	var part *Error
	if errors.As(err, &part) {
		err = part.Err
	}
	return &Error{Value: text, Err: err}
}
