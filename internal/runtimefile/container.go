package runtimefile

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envName matches the portable form of a variable's name.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// setEnv reads the image's variables.
func setEnv(d *document, n *yaml.Node, f *File) (err error) {
	f.Env, err = variables(d, n)
	return err
}

// setArgs reads the names of build arguments. They become variables, so their names have the same form.
func setArgs(d *document, n *yaml.Node, f *File) error {
	err := d.list(n, "args", func(item *yaml.Node) error {
		name, err := d.str(item, "a build argument")
		f.Args = append(f.Args, name)
		return d.check(item, err, checkVariable(name))
	})
	slices.Sort(f.Args)
	f.Args = slices.Compact(f.Args)
	return err
}

func checkVariable(name string) error {
	switch {
	case !envName.MatchString(name):
		return fmt.Errorf("the name %q is not valid: it must be letters, digits and _", name)
	case name == "PATH":
		return errors.New("PATH cannot be set: it is the base's, behind the runtime's own directories")
	}
	return nil
}

// variables reads a map of variables.
func variables(d *document, n *yaml.Node) (map[string]string, error) {
	pairs, err := d.mapping(n, "env")
	if err != nil {
		return nil, err
	}
	env := map[string]string{}
	for _, p := range pairs {
		if !envName.MatchString(p.name) {
			return nil, d.errorAt(p.key, "it must be letters, digits and _", "the name of a variable, %q, is not valid", p.name)
		}
		if p.name == "PATH" {
			return nil, d.errorAt(p.key, "put programs into bin below the prefix",
				"PATH cannot be set: it is the base's, behind the runtime's own directories")
		}
		env[p.name], err = d.scalar(p.value, p.name, "a string", "!!str", "!!int", "!!float", "!!timestamp", "!!bool")
		if err != nil {
			return nil, err
		}
	}
	return env, nil
}

// command reads a command line, which must be a list of words.
func command(d *document, n *yaml.Node, what string) ([]string, error) {
	if v := resolve(n); v.Kind == yaml.ScalarNode && v.ShortTag() == "!!str" {
		return nil, d.errorAt(v, commandHint(what, v.Value), "%s must be a list of words, not a string", what)
	}
	return d.strings(n, what)
}

func commandHint(what, line string) string {
	words := strings.Fields(line)
	plain := regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./=:@-]*$`)
	if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return !plain.MatchString(w) }) {
		words = []string{"sh", "-c", strconv.Quote(line)}
	}
	return fmt.Sprintf("write %s: [%s]", what, strings.Join(words, ", "))
}

// port is a port that a container listens on.
type port struct {
	number   int
	protocol string
}

func (p port) String() string { return strconv.Itoa(p.number) + "/" + p.protocol }

// compare orders ports by protocol and number.
func (p port) compare(other port) int {
	return cmp.Or(strings.Compare(p.protocol, other.protocol), cmp.Compare(p.number, other.number))
}

var portForm = regexp.MustCompile(`^([1-9][0-9]{0,4})(?:/(tcp|udp|sctp))?$`)

// parsePort reads "8080" or "53/udp".
func parsePort(text string) (port, bool) {
	m := portForm.FindStringSubmatch(text)
	if m == nil {
		return port{}, false
	}
	number, _ := strconv.Atoi(m[1])
	return port{number, cmp.Or(m[2], "tcp")}, number < 1<<16
}

// setExpose reads ports, and sorts them by protocol and number, each once. Their order has no meaning.
func setExpose(d *document, n *yaml.Node, f *File) error {
	var ports []port
	err := d.list(n, "expose", func(item *yaml.Node) error {
		value, err := d.literal(item, "a port")
		p, ok := parsePort(value)
		if err == nil && !ok {
			err = d.errorAt(resolve(item), "write it as 8080 or 8080/tcp, from 1 to 65535; protocols are tcp, udp, sctp",
				"port %q is not valid", value)
		}
		if i, twice := slices.BinarySearchFunc(ports, p, port.compare); !twice {
			ports = slices.Insert(ports, i, p)
		}
		return err
	})
	f.Expose = nil
	for _, p := range ports {
		f.Expose = append(f.Expose, p.String())
	}
	return err
}
