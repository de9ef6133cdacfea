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

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// Options is what the command line says. It overrides the file.
type Options struct {
	Profile    string
	Base       string
	Version    string
	Repository string
	NoBrowser  bool
	Extra      *string // nil: not said

	// From says where these were given: advice in errors names options as they are spelt there.
	From options.Source

	// The runtime file, if it is not the project's runtime.yaml: its name for errors, and what it holds. Without Data, Name
	// is looked for in the project.
	Name string
	Data []byte
}

// Load gives the runtime of the project whose root is fsys. It reads the runtime file, the manifests and lock files, and
// .dockerignore.
//
// What is wrong in a file is a *projectfile.Error. A project that no profile fits is an error that says what was looked for.
func Load(fsys fs.FS, opts Options) (*Runtime, error) {
	file, err := opts.file(fsys)
	if err != nil {
		return nil, err
	}
	return Resolve(fsys, file, opts)
}

// file is the runtime file that was given, or the project's own.
func (o Options) file(fsys fs.FS) (*runtimefile.File, error) {
	if o.Data != nil {
		return runtimefile.Parse(cmp.Or(o.Name, runtimefile.Name), o.Data, Known())
	}
	return runtimefile.Read(fsys, o.Name, Known())
}

// Known are the words that a runtime file may choose from.
func Known() runtimefile.Known {
	return runtimefile.Known{Profiles: profileNames(), Managers: managers(), Tools: releases.Names()}
}

// Resolve gives the runtime of a project by its runtime file: see [Load].
func Resolve(fsys fs.FS, file *runtimefile.File, opts Options) (*Runtime, error) {
	d, err := choose(fsys, cmp.Or(opts.Profile, file.Profile), opts.From)
	if err != nil {
		return nil, err
	}
	r := d.runtime()
	r.provenance.file, r.provenance.overridden = file, opts.overridden()
	set(r, file)
	if err := opts.apply(r); err != nil {
		return nil, err
	}
	if err := d.completeManager(fsys, r, file); err != nil {
		return nil, err
	}
	if err := d.check(file, r, opts.From); err != nil {
		return nil, err
	}
	return r, d.complete(fsys, r)
}

// choose gives the profile of a name, or the one that fits the project.
func choose(fsys fs.FS, name string, from options.Source) (definition, error) {
	switch {
	case name == "":
		return detect(fsys, from)
	case !slices.Contains(profileNames(), name):
		return definition{}, fmt.Errorf("unknown profile %q: %s", name, runtimefile.Suggest(name, profileNames()))
	}
	return definitionOf(name), nil
}

// set puts what the file sets in the place of the profile's defaults.
func set(r *Runtime, f *runtimefile.File) {
	r.Profile = cmp.Or(f.Profile, r.Profile)
	r.Base = cmp.Or(f.Base, r.Base)
	r.Repository = f.Repository
	r.Version = f.Version
	r.Interpreter = cmp.Or(f.Interpreter, r.Interpreter)
	r.Prefix = cmp.Or(f.Prefix, r.Prefix)
	setUser(r, f.User)
	r.Packages = f.Packages
	maps.Copy(r.Components, f.Components)
	r.Tools = f.Tools
	setDependencies(r, f)
	if f.Source != nil {
		r.Source = f.Source
	}
	maps.Copy(r.Env, f.Env)
	r.Entrypoint, r.Cmd, r.Workdir = f.Entrypoint, f.Cmd, f.Workdir
	r.Expose, r.Extra, r.Mirrors = f.Expose, f.Extra, f.Mirrors
}

// setUser takes the parts of a user that the file sets. Root has no others.
func setUser(r *Runtime, u User) {
	if u.Name == runtimefile.RootUser {
		r.User = u
		return
	}
	r.User = User{Name: cmp.Or(u.Name, r.User.Name), UID: cmp.Or(u.UID, r.User.UID), GID: cmp.Or(u.GID, r.User.GID)}
}

// setDependencies takes a manager's usual files if the file names none.
func setDependencies(r *Runtime, f *runtimefile.File) {
	if !f.Sets("dependencies") {
		return
	}
	manager, files := cmp.Or(f.Dependencies.Manager, r.Dependencies.Manager), f.Dependencies.Files
	if files == nil {
		files = filesOf(manager)
	}
	r.Dependencies = Dependencies{Manager: manager, Files: files}
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
		if err := runtimefile.CheckBase(o.Base); err != nil {
			return err
		}
	}
	if o.Repository != "" {
		return runtimefile.CheckRepository(o.Repository)
	}
	return nil
}

// check says what the file must not, or must, set in this profile.
func (d definition) check(file *runtimefile.File, r *Runtime, from options.Source) error {
	name := d.defaults.Profile
	for _, c := range slices.Sorted(maps.Keys(r.Components)) {
		if _, known := d.defaults.Components[c]; !known && r.Components[c] {
			return file.FieldErrorf("components", "only profile "+strings.Join(withComponents(), " and ")+" has components", "profile %s has no component %q", name, c)
		}
	}
	if want := d.defaults.Interpreter.Name; r.Interpreter.Name != want {
		hint := "write runtime: {" + want + ": VERSION}"
		if want == "" {
			hint = "leave runtime out"
		}
		return file.FieldErrorf("runtime", hint, "profile %s does not run on %s", name, r.Interpreter.Name)
	}
	if m := r.Dependencies.Manager; !slices.Contains(d.managers, m) {
		return file.FieldErrorf("dependencies", "take "+strings.Join(d.managers, " or "), "the manager %s is not supported by profile %s", m, name)
	}
	for _, t := range r.Tools {
		if t.URL == "" && !d.installsTool(t.Name) && t.Name != r.Dependencies.Manager {
			return file.FieldErrorf("tools", "give its url", "nothing in profile %s needs the tool %q, so it is one of your own, and has no url", name, t.Name)
		}
	}
	if d.original && file.Ignore != nil {
		return file.FieldErrorf("ignore", "leave ignore out", "profile %s hashes and copies by the rules of the original and by nothing else", name)
	}
	if r.Base == "" {
		return file.FieldErrorf("", "write a line such as base: debian:bookworm, or give "+from.Give(options.BaseImage), "no base image is named")
	}
	return nil
}

// complete adds what follows from the project and from other fields.
func (d definition) complete(fsys fs.FS, r *Runtime) error {
	for c := range r.Components {
		if _, known := d.defaults.Components[c]; !known {
			delete(r.Components, c) // it is off, which it is anyway
		}
	}
	env := d.variables(r.Prefix)
	maps.Copy(env, r.Env)
	r.Env = env
	for _, step := range []func(fs.FS, *Runtime) error{d.completeVersion, d.completeCommand, d.completeIgnore, completeFiles} {
		if err := step(fsys, r); err != nil {
			return err
		}
	}
	return nil
}

func (d definition) completeVersion(fsys fs.FS, r *Runtime) (err error) {
	if r.Version == "" {
		r.Version, err = d.version(fsys)
		r.Version = cmp.Or(r.Version, "unknown")
	}
	return err
}

// completeCommand sets the default command, except behind an entrypoint of the user's own: there it would be its
// arguments.
func (d definition) completeCommand(fsys fs.FS, r *Runtime) (err error) {
	r.provenance.cmd, err = d.command(fsys)
	if r.Cmd == nil && r.Entrypoint == nil {
		r.Cmd = r.provenance.cmd
	}
	return err
}

// completeIgnore puts the profile's own patterns last: no "!" before them brings back what is always ignored.
func (d definition) completeIgnore(fsys fs.FS, r *Runtime) error {
	if d.original {
		return nil
	}
	data, err := projectfile.ReadOptional(fsys, dockerignore)
	if err != nil {
		return err
	}
	lines, err := ignorefile.ReadAll(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("reading .dockerignore: %w", err)
	}
	r.Ignore = slices.Concat(lines, r.OwnIgnore(), d.defaults.Ignore)
	return nil
}

// completeFiles adds the files without which the package manager cannot read those that are given.
func completeFiles(fsys fs.FS, r *Runtime) error {
	r.provenance.dependencies = r.Dependencies
	var more []string
	var err error
	switch r.Dependencies.Manager {
	case "npm":
		if slices.Equal(r.Dependencies.Files, definitionOf("node").defaults.Dependencies.Files) {
			more, err = manifests.WorkspaceManifests(fsys)
		}
	case "pip":
		more, err = manifests.RequirementFiles(fsys, r.Dependencies.Files[0])
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
