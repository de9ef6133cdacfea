package options

import (
	"maps"
	"slices"
	"strings"
)

// ReadArguments fills sets from build arguments, and returns the names of unknown arguments, sorted. An empty value counts as absent, so
// bake files can pass on variables that are not set. Names that begin with BUILDKIT_ are BuildKit's own and never unknown.
//
// An invalid value is an [*Error] that names the argument in the spelling of from.
func ReadArguments(given map[string]string, from Source, sets ...Set) (unknown []string, err error) {
	known := map[string]bool{}
	for _, set := range sets {
		for _, o := range set.Group().Options {
			for _, name := range o.argNames(given) {
				known[name] = true
			}
			if err := o.read(given, from); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !known[name] && !strings.HasPrefix(name, "BUILDKIT_") {
			unknown = append(unknown, name)
		}
	}
	return unknown, nil
}

// argNames returns the names of given arguments that mean the option. The exact spelling of the table comes first.
func (o Option) argNames(given map[string]string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if o.Arg != "" && (name == o.Arg || o.AnyCase && strings.EqualFold(name, o.Arg)) {
			names = append(names, name) // capitals sort first
		}
	}
	return names
}

// read sets an option to the first given value that is not empty.
func (o Option) read(given map[string]string, from Source) error {
	for _, name := range o.argNames(given) {
		if given[name] == "" {
			continue
		}
		if err := o.into.set(given[name]); err != nil {
			return Named(from.Name(o.Name), given[name], err)
		}
		return nil
	}
	return nil
}
