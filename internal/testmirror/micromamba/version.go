package main

import (
	"regexp"
	"strconv"
	"strings"
)

// spec is a package specification: a name, and conditions that the version must meet.
type spec struct {
	text, name string
	conditions []string
}

var specText = regexp.MustCompile(`^(?:[\w.-]+::)?([A-Za-z0-9_.-]+?)\s*((?:[=<>!~]=?|\s).*)?$`)

// parseSpec parses a specification: "name=1.2" or, in dependencies, "name >=1.2,<2 build".
func parseSpec(text string) (spec, error) {
	m := specText.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return spec{}, usage("package specification %q", text)
	}
	s := spec{text: text, name: strings.ToLower(m[1])}
	condition, _, _ := strings.Cut(strings.TrimSpace(m[2]), " ")
	for c := range strings.SplitSeq(condition, ",") {
		if c != "" && c != "*" {
			s.conditions = append(s.conditions, c)
		}
	}
	return s, nil
}

// allows reports whether a version meets all conditions.
func (s spec) allows(version string) (bool, error) {
	for _, c := range s.conditions {
		ok, err := meets(version, c)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func meets(version, condition string) (bool, error) {
	operand := strings.TrimLeft(condition, "=<>!~")
	operator := strings.TrimSuffix(condition, operand)
	order := compare(version, strings.TrimSuffix(operand, ".*"))
	prefix := operand == version || strings.HasPrefix(version, strings.TrimSuffix(operand, ".*")+".")
	switch operator {
	case "", "==":
		if strings.HasSuffix(operand, ".*") {
			return prefix, nil
		}
		return order == 0, nil
	case "=":
		return prefix || order == 0, nil
	case ">=":
		return order >= 0, nil
	case "<=":
		return order <= 0, nil
	case ">":
		return order > 0, nil
	case "<":
		return order < 0, nil
	case "!=":
		return order != 0 && (!prefix || !strings.HasSuffix(operand, ".*")), nil
	}
	return false, usage("version condition %q", condition)
}

var versionPart = regexp.MustCompile(`\d+|[a-z]+`)

// compare compares versions number by number. Letters ("a0", "rc1") sort before numbers.
func compare(a, b string) int {
	x, y := versionPart.FindAllString(strings.ToLower(a), -1), versionPart.FindAllString(strings.ToLower(b), -1)
	for i := range max(len(x), len(y)) {
		if c := comparePart(part(x, i), part(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

func part(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return "0"
}

func comparePart(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil:
		return x - y
	case errX == nil:
		return 1
	case errY == nil:
		return -1
	}
	return strings.Compare(a, b)
}
