package profile

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/moby/patternmatcher/ignorefile"
)

// Options is what the command line says. It overrides the file.
type Options struct {
	Profile    string
	Base       string
	Version    string
	Repository string
	NoBrowser  bool
	Extra      *string // nil: not said

	// The runtime file, if it is not the project's runtime.yaml: its name for errors, and what it holds. Without Data, Name
	// is looked for in the project.
	Name string
	Data []byte
}

// Load gives the runtime of the project whose root is fsys. It reads the runtime file, the manifests and lock files, and
// .dockerignore.
//
// What is wrong in a file is an *Error. A project that no profile fits is an error that says what was looked for.
func Load(fsys fs.FS, opts Options) (*Runtime, error) {
	doc, err := readDocument(fsys, opts)
	if err != nil {
		return nil, err
	}
	b, err := choose(fsys, doc, opts)
	if err != nil {
		return nil, err
	}
	r := b.runtime()
	r.given.document, r.given.overridden = doc, opts.overridden()
	_ = doc.apply(r) // choose has read it for its faults
	if err := opts.apply(r); err != nil {
		return nil, err
	}
	if err := b.completeManager(fsys, r, doc); err != nil {
		return nil, err
	}
	if err := b.check(doc, r); err != nil {
		return nil, err
	}
	return r, b.complete(fsys, r)
}

// choose gives the profile that the command line or the file names, or that fits the project. The file is read for its
// faults first: a misspelt "profile" is not to be taken for a missing one.
func choose(fsys fs.FS, doc *document, opts Options) (builtin, error) {
	named := builtin{}.runtime()
	if err := doc.apply(named); err != nil {
		return builtin{}, err
	}
	name := cmp.Or(opts.Profile, named.Profile)
	switch {
	case name == "":
		return detect(fsys)
	case !slices.Contains(profileNames(), name):
		return builtin{}, fmt.Errorf("unknown profile %q: %s", name, suggest(name, profileNames()))
	}
	return profileOf(name), nil
}

// overridden are the fields of the file that the command line overrides.
func (o Options) overridden() []string {
	var names []string
	for name, said := range map[string]bool{
		"base": o.Base != "", "version": o.Version != "", "repository": o.Repository != "", "extra": o.Extra != nil,
	} {
		if said {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// apply overrides what the file says.
func (o Options) apply(r *Runtime) error {
	r.Profile = cmp.Or(o.Profile, r.Profile)
	r.Base = cmp.Or(o.Base, r.Base)
	r.Version = cmp.Or(o.Version, r.Version)
	r.Repository = cmp.Or(o.Repository, r.Repository)
	if o.Extra != nil {
		r.Extra = strings.TrimSpace(*o.Extra)
	}
	if _, known := r.Components["browser"]; known && o.NoBrowser {
		r.Components["browser"] = false
	}
	if o.Base != "" {
		if err := checkBase(o.Base); err != nil {
			return err
		}
	}
	if o.Repository != "" {
		return checkRepository(o.Repository)
	}
	return nil
}

// check says what the file must not, or must, set in this profile.
func (b builtin) check(doc *document, r *Runtime) error {
	name := b.defaults.Profile
	for _, c := range slices.Sorted(maps.Keys(r.Components)) {
		if _, known := b.defaults.Components[c]; !known && r.Components[c] {
			return doc.errorIn("components", "only profile openhands has components", "profile %s has no component %q", name, c)
		}
	}
	if want := b.defaults.Interpreter.Name; r.Interpreter.Name != want {
		hint := "write runtime: {" + want + ": VERSION}"
		if want == "" {
			hint = "leave runtime out"
		}
		return doc.errorIn("runtime", hint, "profile %s does not run on %s", name, r.Interpreter.Name)
	}
	if m := r.Dependencies.Manager; !slices.Contains(b.managers, m) {
		return doc.errorIn("dependencies", "take "+strings.Join(b.managers, " or "), "the manager %s is not supported by profile %s", m, name)
	}
	for _, t := range r.Tools {
		if t.URL == "" && !slices.Contains(b.releases, t.Name) && t.Name != r.Dependencies.Manager {
			return doc.errorIn("tools", "give its url", "nothing in profile %s needs the tool %q, so it is one of your own, and has no url", name, t.Name)
		}
	}
	if b.original && r.given.ignore != nil {
		return doc.errorIn("ignore", "leave ignore out", "profile %s hashes and copies by the rules of the original and by nothing else", name)
	}
	if r.Base == "" {
		return doc.at(0, 0, "write a line such as base: debian:bookworm, or give --base-image", "no base image is named")
	}
	return nil
}

// complete adds what follows from the project and from other fields.
func (b builtin) complete(fsys fs.FS, r *Runtime) error {
	for c := range r.Components {
		if _, known := b.defaults.Components[c]; !known {
			delete(r.Components, c) // it is off, which it is anyway
		}
	}
	env := b.variables(r.Prefix)
	maps.Copy(env, r.Env)
	r.Env = env
	for _, step := range []func(fs.FS, *Runtime) error{b.completeVersion, b.completeCommand, b.completeIgnore, completeFiles} {
		if err := step(fsys, r); err != nil {
			return err
		}
	}
	return nil
}

func (b builtin) completeVersion(fsys fs.FS, r *Runtime) (err error) {
	if r.Version == "" {
		r.Version, err = b.version(fsys)
		r.Version = cmp.Or(r.Version, "unknown")
	}
	return err
}

// completeCommand sets the default command, except behind an entrypoint of the user's own: there it would be its
// arguments.
func (b builtin) completeCommand(fsys fs.FS, r *Runtime) (err error) {
	r.given.cmd, err = b.command(fsys)
	if r.Cmd == nil && r.Entrypoint == nil {
		r.Cmd = r.given.cmd
	}
	return err
}

// completeIgnore puts the profile's own patterns last: no "!" before them brings back what is always ignored.
func (b builtin) completeIgnore(fsys fs.FS, r *Runtime) error {
	if b.original {
		return nil
	}
	data, err := readOptional(fsys, dockerignore)
	if err != nil {
		return err
	}
	lines, err := ignorefile.ReadAll(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("reading .dockerignore: %w", err)
	}
	r.Ignore = slices.Concat(lines, r.given.ignore, b.defaults.Ignore)
	return nil
}

// completeFiles adds the files without which the package manager cannot read those that are given.
func completeFiles(fsys fs.FS, r *Runtime) error {
	r.given.dependencies = r.Dependencies
	var more []string
	var err error
	switch r.Dependencies.Manager {
	case "npm":
		if slices.Equal(r.Dependencies.Files, profileOf("node").defaults.Dependencies.Files) {
			more, err = workspaceManifests(fsys)
		}
	case "pip":
		more, err = requirementFiles(fsys, r.Dependencies.Files[0])
	}
	files := slices.Clone(r.Dependencies.Files)
	for _, file := range more {
		if !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	r.Dependencies.Files = files
	return err
}

// readOptional reads a file that need not be there.
func readOptional(fsys fs.FS, name string) ([]byte, error) {
	data, err := ReadFile(fsys, name, ManifestLimit)
	if absent(err) {
		return nil, nil
	}
	return data, err
}
