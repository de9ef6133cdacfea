package llb

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// PythonRange is a set of versions of Python, as requires-python has it: specifiers of PyPA's "Version specifiers", joined by commas. "||"
// joins alternatives. Any version is in an empty range.
type PythonRange string

var pythonSpecifier = regexp.MustCompile(`^(~=|===?|!=|<=?|>=?)\s*v?([0-9]+(?:\.[0-9]+)*)(\.\*)?[A-Za-z0-9.+_-]*$`)

// mostAlternatives keeps ranges of several files together small.
const mostAlternatives = 8

// ParsePythonRange returns the range that a text says. The error names the part that is no specifier.
func ParsePythonRange(text string) (PythonRange, error) {
	if strings.Count(text, "||") >= mostAlternatives {
		return "", fmt.Errorf("it has more than %d alternatives", mostAlternatives)
	}
	var alternatives []string
	for alternative := range strings.SplitSeq(text, "||") {
		var all []string
		for part := range strings.SplitSeq(alternative, ",") {
			part = strings.TrimSpace(part)
			if part != "" && !pythonSpecifier.MatchString(part) {
				return "", fmt.Errorf("%q is no version specifier", part)
			}
			if part != "" {
				all = append(all, part)
			}
		}
		alternatives = append(alternatives, strings.Join(all, ","))
	}
	return PythonRange(strings.Join(alternatives, "||")), nil
}

// And returns the versions that are in both ranges.
func (r PythonRange) And(other PythonRange) PythonRange {
	switch {
	case r == "" || r == other:
		return other
	case other == "":
		return r
	}
	var alternatives []string
	for one := range strings.SplitSeq(string(r), "||") {
		for two := range strings.SplitSeq(string(other), "||") {
			alternatives = append(alternatives, one+","+two)
		}
	}
	return PythonRange(strings.Join(alternatives, "||"))
}

// numbersPerPlace is more than the minor versions of Python 3, and than the releases of each, will be for long.
const numbersPerPlace = 40

// Accepts reports whether a version is in the range. Of a version with less than three numbers, which is the beginning of others, one of
// these must be. Of a prerelease, the release counts. Every range accepts an empty version.
func (r PythonRange) Accepts(version string) bool {
	numbers := versionNumbers(version)
	if len(numbers) == 0 {
		return true
	}
	if len(numbers) < 3 {
		for next := range numbersPerPlace {
			if r.Accepts(fmt.Sprintf("%s.%d", strings.TrimSpace(version), next)) {
				return true
			}
		}
		return false
	}
	for alternative := range strings.SplitSeq(string(r), "||") {
		if !slices.ContainsFunc(strings.Split(alternative, ","), func(part string) bool { return !specifierAccepts(part, numbers) }) {
			return true
		}
	}
	return false
}

// specifierAccepts reports whether one specifier accepts the numbers of a version.
func specifierAccepts(specifier string, version []int) bool {
	m := pythonSpecifier.FindStringSubmatch(strings.TrimSpace(specifier))
	if m == nil {
		return true // there is none
	}
	wanted := versionNumbers(m[2])
	begins := slices.Equal(wanted, version[:min(len(wanted), len(version))])
	order := compareNumbers(version, wanted)
	switch m[1] {
	case "==", "===":
		return order == 0 || m[3] != "" && begins
	case "!=":
		return order != 0 && !(m[3] != "" && begins)
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	}
	return order >= 0 && slices.Equal(wanted[:len(wanted)-1], version[:min(len(wanted)-1, len(version))]) // ~=
}

// compareNumbers compares versions. A missing number is zero.
func compareNumbers(a, b []int) int {
	a, b = slices.Clone(a), slices.Clone(b)
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for len(b) < len(a) {
		b = append(b, 0)
	}
	return slices.Compare(a, b)
}

var leadingNumbers = regexp.MustCompile(`^v?([0-9]+(?:\.[0-9]+)*)`)

// versionNumbers returns the numbers that a version begins with.
func versionNumbers(version string) []int {
	m := leadingNumbers.FindStringSubmatch(strings.TrimSpace(version))
	if m == nil {
		return nil
	}
	var all []int
	for part := range strings.SplitSeq(m[1], ".") {
		number, _ := strconv.Atoi(part) // 0 for a number that is no version
		all = append(all, number)
	}
	return all
}
