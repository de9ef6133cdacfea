package solve

import (
	"regexp"
	"slices"
	"strings"
)

// Limits of what is kept of a step's output: the number of lines that say a cause, and the length of each, in bytes.
const (
	causeLines   = 6
	longestCause = 400
)

// causePatterns match the lines in which a program says why it failed, by program. The output of each stands in testdata.
var causePatterns = map[string]*regexp.Regexp{
	"npm": regexp.MustCompile(`^npm (error|ERR!) ((Missing|Invalid): .*lock file|notsup (Not compatible|Required|Actual)|Found: |peer .* from |` +
		`40\d .* - (GET|PUT) |network request to |(FetchError: )?request to .* failed)`),
	"patch-package": regexp.MustCompile(`^\*\*ERROR\*\* `),
	"node-gyp":      regexp.MustCompile(`gyp ERR! stack Error: `),
	"pip":           regexp.MustCompile(`^\s*ERROR: (Could not find a version|No matching distribution|THESE PACKAGES DO NOT MATCH THE HASHES|Failed building wheel for )`),
	"setuptools":    regexp.MustCompile(`^\s+(Error: \S+ executable not found|RuntimeError: Broken toolchain|error: command '\S+' failed)`),
	"uv":            regexp.MustCompile(`^error: |^  (cause: |× |╰─▶ )`),
	"poetry":        regexp.MustCompile(`version solving failed\.$|^Current Python version .* is not allowed|^pyproject\.toml changed significantly`),
	"apt":           regexp.MustCompile(`^E: `),
	"compiler":      regexp.MustCompile(`^\S+:\d+:\d+: (fatal )?error: `),
	"linker":        regexp.MustCompile(`: undefined reference to |^\S*ld: cannot find `),
	"tsc":           regexp.MustCompile(`^(\S+\(\d+,\d+\): |\S+:\d+:\d+ - )?error TS\d+: `),
	"make":          regexp.MustCompile(`^make(\[\d+\])?: (\*\*\* No rule to make|[^*].*: (No such file or directory|Command not found|Permission denied)$)`),
	"cmake":         regexp.MustCompile(`^CMake Error|^  Could (not find|NOT find) `),
	"network":       regexp.MustCompile(`^curl: \(\d+\) |^wget: (unable to|bad address)`),
	"pnpm":          regexp.MustCompile(`^(\W|Error: )?ERR_PNPM_|^\s*- \S+ \(lockfile: |^Expected version: `),
	"yarn 1":        regexp.MustCompile(`^error (Your lockfile|\S+: The engine |Couldn't find |An unexpected error)|^yarn\.lock lacks `),
	"yarn":          regexp.MustCompile(`^➤ YN00(01|09|18|28|35|82): │ [^-+@]|^yarn\.lock does not agree`),
	"bun":           regexp.MustCompile(`^error: |^note: dependencies in `),
}

// isCause reports whether a line of a step's output says why a program failed.
func isCause(line string) bool {
	for _, pattern := range causePatterns {
		if pattern.MatchString(line) {
			return true
		}
	}
	return false
}

// keepCause adds a line that says a cause. It keeps the first distinct ones: compilers repeat themselves, and a program that fails later
// often fails because of the first.
func (t *tail) keepCause(line string) {
	line = strings.TrimRight(line, "\r")
	line = line[strings.LastIndexByte(line, '\r')+1:] // what a progress bar has overwritten is not seen
	if len(t.causes) == causeLines || !isCause(line) {
		return
	}
	line = line[:min(len(line), longestCause)]
	if !slices.Contains(t.causes, line) {
		t.causes = append(t.causes, line)
	}
}
