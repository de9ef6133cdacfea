package runtimefile

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Build is the value of "build": a command that makes files of the source.
type Build struct {
	None     bool                // build: none
	Run      []string            // the command; a line for the shell is its argument -c
	Packages map[string][]string // as the packages of a file
	Outputs  []string            // paths in the code directory, sorted and unique; empty: all that the command makes
	Network  bool                // the command may use the network
	Env      map[string]string
}

// ForCommand reports whether it has fields that mean nothing without a command.
func (b *Build) ForCommand() bool {
	return len(b.Outputs) > 0 || b.Network || len(b.Env) > 0 || len(b.Packages) == 0
}

// noBuild is the word that turns the detection of a build command off.
const noBuild = "none"

// buildFields are the fields of "build" in its long form.
var buildFields = fields[Build]{
	"run": func(d *document, n *yaml.Node, b *Build) (err error) {
		b.Run, err = commandLine(d, n, "the build command")
		return err
	},
	"packages": func(d *document, n *yaml.Node, b *Build) (err error) {
		b.Packages, err = packages(d, n)
		return err
	},
	"outputs": func(d *document, n *yaml.Node, b *Build) error {
		err := d.list(n, "build.outputs", func(item *yaml.Node) error {
			output, err := d.str(item, "an output")
			b.Outputs = append(b.Outputs, path.Clean(output))
			return d.check(item, err, checkOutput(output))
		})
		slices.Sort(b.Outputs)
		b.Outputs = slices.Compact(b.Outputs)
		return err
	},
	"network": func(d *document, n *yaml.Node, b *Build) error {
		word, err := d.oneOf(n, "network of the build", []string{"none", "default"})
		b.Network = word == "default"
		return err
	},
	"env": func(d *document, n *yaml.Node, b *Build) (err error) {
		b.Env, err = variables(d, n)
		return err
	},
}

func setBuild(d *document, n *yaml.Node, f *File) (err error) {
	f.Build = &Build{}
	v := resolve(n)
	switch {
	case v.Kind == yaml.ScalarNode && v.Value == noBuild:
		f.Build.None = true
		return nil
	case v.Kind != yaml.MappingNode:
		f.Build.Run, err = commandLine(d, n, "the build command")
		return err
	}
	if err := buildFields.read(d, n, "build", f.Build); err != nil {
		return err
	}
	return nil
}

// commandLine reads a command: a line for the shell, or a list of words.
func commandLine(d *document, n *yaml.Node, what string) ([]string, error) {
	v := resolve(n)
	if v.Kind == yaml.ScalarNode {
		line, err := d.str(n, what)
		if line = strings.TrimSpace(line); err == nil && line == "" {
			err = d.errorAt(v, "write a command such as npm run build", "%s is empty", what)
		}
		return []string{"/bin/sh", "-c", line}, err
	}
	words, err := d.strings(n, what)
	if err == nil && len(words) == 0 {
		err = d.errorAt(v, "write a command such as [npm, run, build]", "%s is empty", what)
	}
	return words, err
}

// wildcards are the characters of patterns. An output is a path, so that a missing one can be named.
var wildcards = regexp.MustCompile(`[*?\[\]!]`)

func checkOutput(output string) error {
	if err := checkRelative("output", output); err != nil {
		return err
	}
	if wildcards.MatchString(output) || path.Clean(output) == "." {
		return fmt.Errorf("output %q is not valid: name a file or directory below the code directory, without wildcards", output)
	}
	return nil
}

// packages reads a list of packages, or lists by package manager.
func packages(d *document, n *yaml.Node) (all map[string][]string, err error) {
	all = map[string][]string{}
	switch resolve(n).Kind {
	case yaml.MappingNode:
		err = packageFields.read(d, n, "packages", &all)
	case yaml.SequenceNode:
		all[""], err = packageList(d, n, "packages")
	default:
		err = d.wrongType(resolve(n), "packages", "a list, or a map of lists by package manager")
	}
	maps.DeleteFunc(all, func(_ string, names []string) bool { return len(names) == 0 })
	return all, err
}
