package runtimefile

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/llb"
)

// permissions matches the octal permissions of a file.
var permissions = regexp.MustCompile(`^0?[0-7]{3}$`)

// testFields are the fields of an item of "test".
var testFields = fields[llb.Test]{
	"run": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Run, err = commandLine(d, n, "the command of a test")
		return err
	},
	"exit": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Exit, err = d.integer(n, "exit", 0, 255)
		return err
	},
	"stdout": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Stdout, err = d.literal(n, "stdout")
		return err
	},
	"user": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.User, err = d.match(n, "user of a test", testUser, "give its name or number")
		return err
	},
	"network": func(d *document, n *yaml.Node, t *llb.Test) error {
		word, err := d.oneOf(n, "network of a test", []string{"none", "default"})
		t.Network = word == "default"
		return err
	},
	"timeout": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Timeout, err = d.integer(n, "timeout", 1, 3600)
		return err
	},
	"address": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Address, err = d.str(n, "address")
		return d.check(n, err, checkListens(t.Address))
	},
	"file": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		if t.File, err = d.str(n, "file"); err == nil && (!path.IsAbs(t.File) || path.Clean(t.File) != t.File) {
			err = d.errorAt(resolve(n), "write it as /agent/code/server.js", "file %q of a test is not an absolute path", t.File)
		}
		return err
	},
	"mode": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Mode, err = d.match(n, "mode", permissions, "write it as \"0755\"")
		return err
	},
	"contains": func(d *document, n *yaml.Node, t *llb.Test) (err error) {
		t.Contains, err = d.literal(n, "contains")
		return err
	},
}

// testUser matches the name or number of a user.
var testUser = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]*$`)

func setTests(d *document, n *yaml.Node, f *File) error {
	return d.list(n, "test", func(item *yaml.Node) error {
		var t llb.Test
		if err := testFields.read(d, item, "an item of test", &t); err != nil {
			return err
		}
		f.Tests = append(f.Tests, t)
		return checkTest(d, item, t)
	})
}

// checkTest returns an error for fields that do not go together.
func checkTest(d *document, item *yaml.Node, t llb.Test) error {
	command := t.Run != nil || t.Exit != 0 || t.Stdout != "" || t.User != "" || t.Network || t.Timeout != 0
	switch {
	case t.File == "" && t.Address == "" && t.Run == nil:
		return d.errorAt(item, "write {run: COMMAND}, {address: URL} or {file: PATH}", "a test says nothing to test")
	case t.File != "" && (command || t.Address != ""):
		return d.errorAt(item, "write a test of its own for the command", "a test of a file has only the fields file, mode and contains")
	case t.File == "" && (t.Mode != "" || t.Contains != ""):
		return d.errorAt(item, "name the file", "mode and contains are about a file")
	case t.Address != "" && (t.Exit != 0 || t.Stdout != ""):
		return d.errorAt(item, "write a test of its own for the command", "exit and stdout are about a command that ends, but one that answers at an address does not")
	}
	return nil
}

// checkListens returns an error unless text is a URL or HOST:PORT.
func checkListens(text string) error {
	if host, port, err := net.SplitHostPort(text); err == nil && host != "" && !strings.Contains(text, "/") {
		if p, ok := parsePort(port); ok && p.protocol == "tcp" {
			return nil
		}
	}
	if u, err := url.Parse(text); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return fmt.Errorf("address %q is not valid: write it as http://127.0.0.1:8080/health or 127.0.0.1:8080", text)
}
