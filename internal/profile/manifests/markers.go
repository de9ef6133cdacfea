package manifests

import (
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// pythonTarget is an environment on Linux that packages are installed into.
type pythonTarget struct {
	line    string // of Python: the first two numbers of its version
	machine string // the kernel's name of the architecture
	extras  []string
}

// machines are the kernel's names of OCI's architectures.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "arm": "armv7l", "386": "i686", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}

// value returns the value of a marker's variable; see PyPA's "Dependency specifiers". Of the releases of a version, it takes a late one.
func (t pythonTarget) value(variable string) (string, bool) {
	values := map[string]string{
		"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux", "platform_machine": t.machine,
		"platform_python_implementation": "CPython", "implementation_name": "cpython",
		"python_version": t.line, "python_full_version": t.line + ".99", "implementation_version": t.line + ".99",
	}
	value, known := values[variable]
	return value, known
}

// holds reports whether a marker holds. An empty one does. One that is not understood does not.
func (t pythonTarget) holds(marker string) bool {
	if strings.TrimSpace(marker) == "" {
		return true
	}
	p := &markerParser{target: t, tokens: markerToken.FindAllString(marker, -1)}
	return p.or() && len(p.tokens) == 0 && !p.failed
}

var markerToken = regexp.MustCompile(`"[^"]*"|'[^']*'|[A-Za-z_][A-Za-z0-9_.]*|===?|~=|!=|<=|>=|[<>()]|\S`)

// markerParser evaluates a marker. It parses all of it, because "and" and "or" leave no part out.
type markerParser struct {
	target pythonTarget
	tokens []string
	depth  int // of parentheses
	failed bool
}

// deepestMarker is more than the parentheses of any marker. Deeper ones are not understood.
const deepestMarker = 100

// next takes the next token, or returns "".
func (p *markerParser) next() string {
	if len(p.tokens) == 0 {
		return ""
	}
	token := p.tokens[0]
	p.tokens = p.tokens[1:]
	return token
}

// takes takes the next token if it is the given one.
func (p *markerParser) takes(token string) bool {
	if len(p.tokens) > 0 && p.tokens[0] == token {
		p.next()
		return true
	}
	return false
}

func (p *markerParser) or() bool {
	holds := p.and()
	for p.takes("or") {
		holds = p.and() || holds
	}
	return holds
}

func (p *markerParser) and() bool {
	holds := p.term()
	for p.takes("and") {
		holds = p.term() && holds
	}
	return holds
}

func (p *markerParser) term() bool {
	if p.takes("(") {
		p.depth++
		if p.depth > deepestMarker {
			p.failed, p.tokens = true, nil
			return false
		}
		holds := p.or()
		p.depth--
		p.failed = p.failed || !p.takes(")")
		return holds
	}
	left, operator := p.next(), p.next()
	if operator == "not" {
		operator += " " + p.next()
	}
	return p.compare(left, operator, p.next())
}

// compare evaluates one comparison: a variable and a text, in either order.
func (p *markerParser) compare(left, operator, right string) bool {
	if left == "extra" {
		return slices.ContainsFunc(p.target.extras, func(e string) bool { return llb.NormalName(e) == llb.NormalName(markerText(right)) }) == (operator == "==")
	}
	a, known := p.operand(left)
	b, too := p.operand(right)
	if p.failed = p.failed || !known || !too; p.failed {
		return false
	}
	if strings.HasPrefix(left, "python_") || strings.HasPrefix(left, "implementation_v") {
		if r, err := llb.ParsePythonRange(operator + b); err == nil {
			return r.Accepts(threeNumbers(a))
		}
	}
	switch operator {
	case "==", "===":
		return a == b
	case "!=":
		return a != b
	case "in":
		return strings.Contains(b, a)
	case "not in":
		return !strings.Contains(b, a)
	}
	p.failed = true
	return false
}

// threeNumbers returns a version with at least three numbers.
func threeNumbers(version string) string {
	if strings.Count(version, ".") < 2 {
		return version + ".0"
	}
	return version
}

// operand returns the value of a variable or of a quoted text.
func (p *markerParser) operand(token string) (string, bool) {
	if strings.HasPrefix(token, `"`) || strings.HasPrefix(token, "'") {
		return markerText(token), true
	}
	return p.target.value(token)
}

func markerText(token string) string { return strings.Trim(token, `"'`) }
