// Package migrate writes the first runtime.yaml of a project, from what its files say and from a Dockerfile. It is apart from package
// profile because only the command init needs it, and with it the parsers of Dockerfiles and of shell scripts.
//
// The text that it writes has been loaded: package profile accepts it. No line of it says what holds anyway.
package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// DefaultBase is the base image of a project without a Dockerfile.
const DefaultBase = "debian:bookworm"

// Options say what is known of a project besides its files.
type Options struct {
	Base       string            // empty: the Dockerfile's, else DefaultBase
	Profile    string            // empty: detected
	Directory  string            // of the project in fsys; empty: the root
	Dockerfile *projectfile.Text // nil: there is none
}

// Result is a new runtime file.
type Result struct {
	Data []byte // its text
	Left int    // parts of the Dockerfile that have no equivalent; comments at the end of the text list them
}

// Write returns a runtime file for the project whose root is fsys. A runtime.yaml that it has already does not matter.
//
// The error is a [*projectfile.Error] if a file of the project or the Dockerfile cannot be read or parsed. It is one of [profile.Load]'s
// if the project has no lock file that a profile fits.
func Write(fsys fs.FS, opts Options) (*Result, error) {
	d := &draft{fsys: fsys, own: opts.Directory}
	if opts.Dockerfile != nil {
		if err := d.read(*opts.Dockerfile); err != nil {
			return nil, err
		}
	}
	d.setBase(opts.Base)
	if opts.Directory != "" {
		d.set("directory", opts.Directory, directoryWhy)
	}
	if opts.Profile != "" {
		d.set("profile", opts.Profile, "--profile")
		d.withoutLock()
	}
	runtime, err := d.settle()
	if err != nil {
		return nil, d.advise(err)
	}
	return &Result{Data: d.render(runtime), Left: len(d.left)}, nil
}

// draft is a runtime file while it is made.
type draft struct {
	fsys   fs.FS
	own    string  // the project's directory; empty: the root of fsys
	fields []field // in the order of order
	source string  // the Dockerfile's name; empty: there is none
	left   []left
	done   []int // lines of the Dockerfile that need no line
	notes  []string
}

// field is a line of a runtime file, or several.
type field struct {
	name  string
	value any // text, []string, []int, map[string]string, or a node
	why   string
}

// left is a part of a Dockerfile without an equivalent.
type left struct {
	line         int
	text, reason string
}

// order is the order of fields in the file. The first four decide how the project is read.
var order = strings.Fields("base directory profile dependencies runtime user packages build args env entrypoint cmd workdir expose healthcheck stopSignal volumes")

// decisive are the fields without which a project may not be readable at all.
const decisive = 4

// set sets a field, or replaces it.
func (d *draft) set(name string, value any, why string) {
	d.fields = slices.DeleteFunc(d.fields, func(f field) bool { return f.name == name })
	d.fields = append(d.fields, field{name, value, why})
	slices.SortStableFunc(d.fields, func(a, b field) int {
		return cmp.Compare(slices.Index(order, a.name), slices.Index(order, b.name))
	})
}

// has reports whether a field is set.
func (d *draft) has(name string) bool {
	return slices.ContainsFunc(d.fields, func(f field) bool { return f.name == name })
}

// setBase sets the base image, unless the Dockerfile does.
func (d *draft) setBase(given string) {
	switch {
	case given != "":
		d.set("base", given, "--base-image")
	case !d.has("base"):
		d.set("base", DefaultBase, "any image with a package manager will do")
	}
}

// directoryWhy is the reason for a directory.
const directoryWhy = "the lock file is in a directory above; all paths are relative to that"

// settle keeps the fields that the project accepts, and that change something. It returns the runtime that they make.
func (d *draft) settle() (*profile.Runtime, error) {
	wanted := d.fields
	if err := d.begin(); err != nil {
		return nil, err
	}
	for _, f := range wanted {
		if d.has(f.name) || slices.Index(order, f.name) < decisive {
			continue
		}
		kept := d.fields
		d.set(f.name, f.value, f.why)
		if _, err := d.load(); err != nil {
			d.fields = kept
			d.refuse(f, err)
		}
	}
	return d.minimize()
}

// begin reads the project with as many of the decisive fields as it accepts, and answers the questions that it leaves open.
func (d *draft) begin() error {
	wanted := slices.DeleteFunc(slices.Clone(d.fields), func(f field) bool { return slices.Index(order, f.name) >= decisive })
	d.fields = wanted
	_, err := d.load()
	if err == nil {
		return nil
	}
	var base []field
	for _, f := range wanted {
		if f.name == "base" || f.name == "directory" || f.name == "profile" && f.why == "--profile" {
			base = append(base, f)
		}
	}
	d.fields = base
	if err := d.choose(); err != nil {
		return err
	}
	for _, f := range wanted {
		if !d.has(f.name) && f.name != "profile" { // the manager says as much
			d.refuse(f, err)
		}
	}
	return nil
}

// choose reads the project. If it fits several profiles or managers, it takes the first, and says which others there are.
func (d *draft) choose() error {
	var question *profile.AmbiguousError
	_, err := d.load()
	for range decisive {
		if !errors.As(err, &question) || d.has(question.Field) {
			return err
		}
		first := question.Choices[0]
		why := strings.Join(question.Files, " and ") + " are there: choose " + strings.Join(question.Choices, " or ")
		if question.Field == "dependencies" {
			d.set(question.Field, map[string]string{"manager": first}, why)
		} else {
			d.set(question.Field, first, why)
		}
		_, err = d.load()
	}
	return err
}

// refuse notes a field of the Dockerfile that the project does not accept.
func (d *draft) refuse(f field, err error) {
	var fault *projectfile.Error
	reason := err.Error()
	if errors.As(err, &fault) {
		reason = fault.Message
		if fault.File != runtimefile.Name {
			reason = fault.File + ": " + reason
		}
	}
	reason, _, _ = strings.Cut(reason, "\n")
	d.left = append(d.left, left{text: oneLine(string(encode([]field{{f.name, f.value, ""}}))) + " (" + f.why + ")", reason: oneLine(reason)})
}

// minimize removes the fields that change nothing.
func (d *draft) minimize() (*profile.Runtime, error) {
	runtime, err := d.load()
	if err != nil {
		return nil, err
	}
	for i := 0; i < len(d.fields); {
		all := d.fields
		d.fields = slices.Delete(slices.Clone(all), i, i+1)
		if without, err := d.load(); err == nil && equal(runtime, without) {
			continue
		}
		d.fields = all
		i++
	}
	d.withoutManager(runtime)
	return d.load() // its lines are now those of the file
}

// withoutManager removes the manager from a field dependencies that says more, if the project's lock files say it.
func (d *draft) withoutManager(runtime *profile.Runtime) {
	i := slices.IndexFunc(d.fields, func(f field) bool { return f.name == "dependencies" })
	if i < 0 {
		return
	}
	all, ok := d.fields[i].value.(map[string]any)
	if !ok || len(all) < 2 {
		return
	}
	less := maps.Clone(all)
	delete(less, "manager")
	d.fields[i].value = less
	if without, err := d.load(); err != nil || !equal(runtime, without) {
		d.fields[i].value = all
	}
}

// equal reports whether two files make the same image.
func equal(a, b *profile.Runtime) bool {
	return reflect.DeepEqual(a.TagInputs(), b.TagInputs()) && reflect.DeepEqual([][]string{a.Entrypoint, a.Cmd, a.Args}, [][]string{b.Entrypoint, b.Cmd, b.Args})
}

// load reads the project with the fields that are set.
func (d *draft) load() (*profile.Runtime, error) {
	r, err := profile.Load(d.fsys, profile.Options{Name: runtimefile.Name, Data: encode(d.fields), From: options.Flags})
	if err != nil {
		return r, err
	}
	for _, file := range r.Dependencies.Files {
		if !projectfile.Exists(d.fsys, file) {
			return nil, missing(file, r.Dependencies.Manager)
		}
	}
	return r, nil
}

// leave notes a part of the Dockerfile without an equivalent.
func (d *draft) leave(line int, text, format string, args ...any) {
	d.left = append(d.left, left{line, text, fmt.Sprintf(format, args...)})
}
