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

// toolFields are the fields of an item of "tools".
var toolFields = fields[Tool]{
	"name": func(d *document, n *yaml.Node, t *Tool) (err error) {
		t.Name, err = d.match(n, "tool name", fileWord, "it must be letters, digits, ., _, + and -")
		return err
	},
	"version": func(d *document, n *yaml.Node, t *Tool) (err error) {
		t.Version, err = d.match(n, "tool version", fileWord, "it must be letters, digits, ., _, + and -")
		return err
	},
	"url": func(d *document, n *yaml.Node, t *Tool) (err error) {
		t.URL, err = d.str(n, "url")
		return d.check(n, err, checkDownload(t.URL))
	},
	"sha256": setChecksums,
	"to": func(d *document, n *yaml.Node, t *Tool) (err error) {
		t.To, err = d.match(n, "to", relative, "it must be a path below the prefix, of letters, digits, ., _, + and -")
		if err = d.check(n, err, checkRelative("to", t.To)); err == nil {
			t.To = path.Clean(t.To)
		}
		return err
	},
}

// architectures are the OCI names of Linux architectures.
var architectures = []string{"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}

// kernelArchitectures maps uname's names to OCI's.
var kernelArchitectures = map[string]string{"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}

var sha256Form = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)

func setChecksums(d *document, n *yaml.Node, t *Tool) error {
	pairs, err := d.mapping(n, "sha256")
	if err != nil {
		return err
	}
	t.SHA256 = map[string]string{}
	for _, p := range pairs {
		if !slices.Contains(architectures, p.name) {
			hint := Suggest(p.name, architectures)
			if arch, known := kernelArchitectures[p.name]; known {
				hint = fmt.Sprintf("did you mean %q?", arch)
			}
			return d.errorAt(p.key, hint, "unknown architecture %q", p.name)
		}
		sum, err := d.match(p.value, "sha256", sha256Form, "it must be 64 hexadecimal digits")
		if err != nil {
			return err
		}
		t.SHA256[p.name] = strings.ToLower(sum)
	}
	return nil
}

func setTools(d *document, n *yaml.Node, f *File) error {
	f.Tools = nil
	return d.list(n, "tools", func(item *yaml.Node) error {
		t := Tool{To: "bin"}
		if err := toolFields.read(d, item, "an item of tools", &t); err != nil {
			return err
		}
		if missing := t.missing(d.known.Tools); missing != "" {
			return d.errorAt(item, "a tool has name, version, url and sha256", "tool %q has no %s", t.Name, missing)
		}
		if slices.ContainsFunc(f.Tools, func(other Tool) bool { return other.Name == t.Name }) {
			return d.errorAt(item, "", "tool %q is named twice", t.Name)
		}
		f.Tools = append(f.Tools, t)
		return nil
	})
}

// missing names a field that a pinned download lacks. A tool of a profile needs no url.
func (t Tool) missing(known []string) string {
	switch {
	case t.Name == "":
		return "name"
	case t.URL == "" && !slices.Contains(known, t.Name):
		return "url"
	case t.Version == "":
		return "version"
	case len(t.SHA256) == 0:
		return "sha256"
	case t.URL != "" && len(t.SHA256) > 1 && !strings.Contains(t.URL, "{arch}") && len(slices.Compact(slices.Sorted(maps.Values(t.SHA256)))) > 1:
		return "{arch} in its url, but several checksums"
	}
	return ""
}
