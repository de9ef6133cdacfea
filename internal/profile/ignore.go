package profile

import (
	"path"
	"slices"
	"strings"
)

// envExceptions returns the user's exceptions for single files of variables, such as !.env.example. Programs read such files as a list of
// the variables that they need, or as defaults for production. Rule SecretInSource of package lint reports those that are no examples.
// There are none for .env itself, and none by a pattern: these would take in files that nobody has looked at.
func envExceptions(patterns []string) []string {
	return slices.DeleteFunc(slices.Clone(patterns), func(pattern string) bool {
		file, negated := strings.CutPrefix(pattern, "!")
		name := path.Base(strings.TrimSpace(file))
		return !negated || !strings.HasPrefix(name, ".env.") || strings.ContainsAny(name, `*?[\`)
	})
}
