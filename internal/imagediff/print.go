package imagediff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/containerd/platforms"
	"github.com/docker/go-units"
)

// The limits of printed text.
const (
	maxColumn    = 48 // width to which paths are padded
	maxCommand   = 96 // characters of a layer's command
	digestDigits = 12
)

// String returns the text of Print, not verbose.
func (d *Diff) String() string {
	var b strings.Builder
	_ = d.Print(&b, false)
	return b.String()
}

// Print writes the differences as text, in a fixed order. It summarizes the content of a directory that only one image has.
// With verbose, it lists that content, and prints Details. It returns the errors of out.
func (d *Diff) Print(out io.Writer, verbose bool) error {
	var p printer
	p.image("---", d.From)
	p.image("+++", d.To)
	if d.From.Manifest != d.To.Manifest {
		p.configs("config", d.Config)
		if verbose {
			p.configs("config, about the build", d.Details)
		}
		p.layers(d)
		p.files(d.Files, verbose)
	}
	p.f("\n%s\n", d.conclusion())
	_, err := out.Write(p.Bytes())
	return err
}

// printer collects the text.
type printer struct{ bytes.Buffer }

func (p *printer) f(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// line prints a line of columns, without trailing spaces.
func (p *printer) line(format string, args ...any) {
	p.f("%s\n", strings.TrimRight(fmt.Sprintf(format, args...), " "))
}

// image prints the line of an image.
func (p *printer) image(sign string, img *Image) {
	ref := img.Reference
	if !strings.Contains(ref, "@") {
		ref += "@" + img.Digest.String()
	}
	p.f("%s %s  %s, %s, %s\n", sign, ref, platforms.Format(img.Platform), count(len(img.Layers), "layer"), size(img.Size))
}

// configs prints a section of fields.
func (p *printer) configs(title string, changes []ConfigChange) {
	if len(changes) == 0 {
		return
	}
	p.f("\n%s\n", title)
	for _, c := range changes {
		name := c.Field
		if c.Key != "" {
			name += " " + quote(c.Key)
		}
		switch {
		case c.From == nil:
			p.f("  + %s: %s\n", name, c.format(c.To))
		case c.To == nil:
			p.f("  - %s: %s\n", name, c.format(c.From))
		case c.Field == "Env" && c.Key == "PATH":
			p.f("  ~ %s:\n", name)
			p.path(c)
		default:
			p.f("  ~ %s: %s -> %s\n", name, c.format(c.From), c.format(c.To))
		}
	}
}

// path prints the entries of PATH, in order.
func (p *printer) path(c ConfigChange) {
	split := func(v any) []string { return strings.Split(fmt.Sprint(v), ":") }
	for _, e := range edits(split(c.From), split(c.To)) {
		p.f("      %c %s\n", e.sign, quote(e.value))
	}
}

// format formats a field's value.
func (c ConfigChange) format(value any) string {
	if n, ok := value.(json.Number); ok && c.Field == "Healthcheck" && c.Key != "Retries" {
		if nanoseconds, err := n.Int64(); err == nil {
			return time.Duration(nanoseconds).String()
		}
	}
	return format(value)
}

func format(value any) string {
	switch value := value.(type) {
	case string:
		return quoteValue(value)
	case []any:
		all := make([]string, len(value))
		for i, one := range value {
			all[i] = format(one)
		}
		return "[" + strings.Join(all, ", ") + "]"
	case map[string]any:
		var all []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			all = append(all, quote(key)+": "+format(value[key]))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return fmt.Sprint(value)
}

// layers prints the number of shared layers, and lists the others.
func (p *printer) layers(d *Diff) {
	var shared int64
	byDigest := map[string]Layer{}
	var own [2][]string
	for i, img := range []*Image{d.From, d.To} {
		shared = 0
		for n, l := range img.Layers {
			if n < d.Shared {
				shared += l.Size
				continue
			}
			own[i] = append(own[i], l.Digest.String())
			byDigest[l.Digest.String()] = l
		}
	}
	switch {
	case len(own[0])+len(own[1]) == 0:
		p.f("\nlayers: all are shared\n")
	case d.Shared == 0:
		p.f("\nlayers: none is shared\n")
	case d.Shared == 1:
		p.f("\nlayers: the first is shared (%s)\n", size(shared))
	default:
		p.f("\nlayers: the first %d are shared (%s)\n", d.Shared, size(shared))
	}
	for _, e := range edits(own[0], own[1]) {
		l := byDigest[e.value]
		p.line("  %c %s  %8s  %s", e.sign, short(l), size(l.Size), command(l.CreatedBy))
	}
}

// short returns the beginning of a layer's digest.
func short(l Layer) string {
	encoded := l.Digest.Encoded()
	return l.Digest.Algorithm().String() + ":" + encoded[:min(digestDigits, len(encoded))]
}

// command returns the beginning of a layer's command, on one line.
func command(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) > maxCommand {
		text = string([]rune(text)[:maxCommand]) + "..."
	}
	return escape(text)
}

// files prints the section of files.
func (p *printer) files(changes []FileChange, verbose bool) {
	if len(changes) == 0 {
		return
	}
	lines := fileLines(changes, verbose)
	width := 0
	for _, l := range lines {
		width = max(width, utf8.RuneCountInString(l.path))
	}
	width = min(width, maxColumn)
	p.f("\nfiles\n")
	for _, l := range lines {
		p.f("  %c %-*s  %s\n", l.sign, width, l.path, l.text)
	}
}

// conclusion returns the last line.
func (d *Diff) conclusion() string {
	switch {
	case d.From.Manifest == d.To.Manifest:
		return "The images are the same: " + d.From.Manifest.String()
	case d.Equal() && d.Shared == len(d.From.Layers) && d.Shared == len(d.To.Layers):
		return "The images are equal: same files, same config, same layers; only what the config says about the build differs"
	case d.Equal():
		return "The images are equal: same files, same config; their layers differ"
	}
	s := d.Summary()
	parts := []string{
		cmp.Or(plural(s.Config, "config field differs", "config fields differ"), "the config is the same"),
		plural(s.Changed, "path changed", "paths changed"),
		sized(plural(s.Added, "path added", "paths added"), s.AddedBytes),
		sized(plural(s.Removed, "path removed", "paths removed"), s.RemovedBytes),
		plural(s.Unknown, "path unknown, because the shared layers were not read", "paths unknown, because the shared layers were not read"),
	}
	if len(d.Files) == 0 {
		parts = append(parts, "the files are the same")
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "; ")
}

func sized(text string, bytes int64) string {
	if text == "" || bytes == 0 {
		return text
	}
	return text + " (" + size(bytes) + ")"
}

// plural returns a number and what it counts, or "" for 0.
func plural(n int, one, many string) string {
	if n == 0 {
		return ""
	}
	return count(n, one, many)
}

// count returns a number and what it counts. The plural is one and "s" unless another one is given.
func count(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprintf("%d %s", n, many[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// size formats a number of bytes, in powers of 1000.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	return units.CustomSize("%.1f %s", float64(n), 1000, []string{"B", "kB", "MB", "GB", "TB"})
}
