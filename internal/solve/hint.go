package solve

import (
	"regexp"
	"strings"
)

// hints say what to do about what a step printed. The first that fits is given.
var hints = []struct {
	printed *regexp.Regexp
	hint    string
}{
	{regexp.MustCompile(`Broken toolchain|executable not found\.|error: command '\S*(gcc|g\+\+|cc|c\+\+|clang|cargo|cmake)' failed|No such file or directory: '(gcc|g\+\+|cc|cargo|cmake)'`),
		"a Python package without a wheel for this Python is compiled, and a compiler or a library is missing: name its packages, such as " +
			"build: {packages: [gcc, python3-dev]}, or lock a version that has a wheel"},
	{regexp.MustCompile(`lack of valid authentication credentials|40[13] Error, Credentials not correct`),
		"the index asks for a password: put it into a file in netrc's format, and give --secret id=netrc,src=FILE"},
	{regexp.MustCompile(`Could not find a version that satisfies the requirement .*\(from versions: none\)`),
		"the index has no such package, or asks for a password: for that, give --secret id=netrc,src=FILE"},
}

// hint returns what to do about a failed step, or "".
func (e *StepError) hint() string {
	printed := strings.Join(append(append([]string{}, e.Causes...), e.Lines...), "\n")
	for _, h := range hints {
		if h.printed.MatchString(printed) {
			return h.hint
		}
	}
	return ""
}
