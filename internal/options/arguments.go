package options

import (
	"maps"
	"slices"
	"strings"
)

// ReadArguments fills sets from build arguments. An empty value counts as none, so that bake files may pass on variables that are not
// set. It gives the names of arguments that no set knows, sorted. Names that begin with BUILDKIT_ are BuildKit's own, and not among them.
//
// A value that cannot be used is an [*Error], which speaks of the argument as from does.
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

// argNames are the arguments among those given that mean the option. The one that is spelt as the table spells it is first.
func (o Option) argNames(given map[string]string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if o.Arg != "" && (name == o.Arg || o.AnyCase && strings.EqualFold(name, o.Arg)) {
			names = append(names, name) // capitals sort first
		}
	}
	return names
}

// read takes the first value of an option that is not empty.
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
