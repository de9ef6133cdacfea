package options

import (
	"slices"
	"strings"
)

// Complete returns the completions of a partial value. files says which file names complete it, too. After a value that ends with a comma,
// the user must write more.
func (o Option) Complete(begun string) (values []string, files Files) {
	var before, taken string
	if at := strings.LastIndex(begun, ","); at >= 0 && o.Repeatable() && !o.hasKeys() {
		before, taken = begun[:at+1], begun[:at]
	}
	for _, choice := range o.Choices {
		if strings.HasPrefix(before+choice, begun) && !slices.Contains(strings.Split(taken, ","), choice) {
			values = append(values, before+choice)
		}
	}
	return values, o.Completes
}

// hasKeys reports whether commas separate fields of a value, rather than values.
func (o Option) hasKeys() bool {
	return slices.ContainsFunc(o.Choices, func(choice string) bool { return strings.Contains(choice, "=") })
}
