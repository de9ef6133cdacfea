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
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// Options are the options of the command line. They override the file.
type Options struct {
	Profile    string
	Base       string
	Version    string
	Repository string
	NoBrowser  bool
	Extra      *string // nil: not given

	// From is the place where the options are given. Errors spell options accordingly.
	From options.Source

	// The name and contents of the runtime file, if it is not the project's runtime.yaml. If Data is nil, Name is a file of the project.
	Name string
	Data []byte
}

// Load returns the runtime of the project whose root is fsys. It reads the runtime file, the manifests and lock files, and .dockerignore.
//
// An error in a file is a [*projectfile.Error]. If no profile fits the project, the error lists the files that Load looked for.
func Load(fsys fs.FS, opts Options) (*Runtime, error) {
	file, err := opts.file(fsys)
	if err != nil {
		return nil, err
	}
	return Resolve(fsys, file, opts)
}

// file returns the given runtime file, or the project's own.
func (o Options) file(fsys fs.FS) (*runtimefile.File, error) {
	if o.Data != nil {
		return runtimefile.Parse(cmp.Or(o.Name, runtimefile.Name), o.Data, Known())
	}
	return runtimefile.Read(fsys, o.Name, Known())
}

// Known returns the words that a runtime file may choose from.
func Known() runtimefile.Known {
	return runtimefile.Known{Profiles: profileNames(), Managers: managers(), Tools: ownTools()}
}

// Resolve returns the runtime of a project with a parsed runtime file. It reads the manifests and lock files, and .dockerignore.
//
// A value of a file that the profile does not support, and a manifest that cannot be read, is a [*projectfile.Error]. An unknown profile,
// an invalid option and a project that no profile fits are errors without a type.
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

// choose returns the profile with a name or, without one, the profile that fits the project.
func choose(fsys fs.FS, name string, from options.Source) (definition, error) {
	switch {
	case name == "":
		return detect(fsys, from)
	case !slices.Contains(profileNames(), name):
		return definition{}, fmt.Errorf("unknown profile %q: %s", name, runtimefile.Suggest(name, profileNames()))
	}
	return definitionOf(name), nil
}

// set replaces the profile's defaults by the values of the file.
func set(r *Runtime, f *runtimefile.File) {
	r.Profile = cmp.Or(f.Profile, r.Profile)
	r.Base = cmp.Or(f.Base, r.Base)
	r.Repository = f.Repository
	r.Version = f.Version
	r.Directory = f.Directory
	r.Interpreter = cmp.Or(f.Interpreter, r.Interpreter)
	r.Prefix = cmp.Or(f.Prefix, r.Prefix)
	setUser(r, f.User)
	r.Packages = f.Packages
	maps.Copy(r.Components, f.Components)
	r.Tools = f.Tools
	setDependencies(r, f)
	r.Bytecode = cmp.Or(f.Bytecode, r.Bytecode)
	if f.Source != nil {
		r.Source = f.Source
	}
	maps.Copy(r.Env, f.Env)
	r.Args = f.Args
	r.Entrypoint, r.Cmd, r.Workdir = f.Entrypoint, f.Cmd, f.Workdir
	r.Healthcheck, r.StopSignal, r.Volumes = f.Healthcheck, f.StopSignal, f.Volumes
	r.Expose, r.Extra, r.Tests, r.Mirrors = f.Expose, f.Extra, f.Tests, f.Mirrors
}

// setUser sets the fields of a user that the file sets. The user root has no other fields.
func setUser(r *Runtime, u User) {
	if u.Name == runtimefile.RootUser {
		r.User = u
		return
	}
	r.User = User{Name: cmp.Or(u.Name, r.User.Name), UID: cmp.Or(u.UID, r.User.UID), GID: cmp.Or(u.GID, r.User.GID)}
}

// setDependencies sets the manager, its files and its installer. If the file names no files, they are the manager's default. The default
// installer is left out, so that it is in no tag.
func setDependencies(r *Runtime, f *runtimefile.File) {
	if !f.Sets("dependencies") {
		return
	}
	manager, files := cmp.Or(f.Dependencies.Manager, r.Dependencies.Manager), f.Dependencies.Files
	if files == nil {
		files = filesOf(manager)
	}
	r.Dependencies = Dependencies{Manager: manager, Files: files}
	r.Dependencies.Env = f.Dependencies.Env
	r.Dependencies.Extras, r.Dependencies.Groups = f.Dependencies.Extras, f.Dependencies.Groups
	if installer := f.Dependencies.Installer; installer != runtimefile.InstallerUV {
		r.Dependencies.Installer = installer
	}
}

// overridden returns the fields of the file that the command line overrides.
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

// apply overrides the values of the file.
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

// check returns an error for values that this profile does not support, and for a missing base.
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
	for _, arg := range r.Args {
		if slices.ContainsFunc(options.Arguments(), func(o options.Option) bool { return strings.EqualFold(o.Arg, arg) }) {
			return file.FieldErrorf("args", "leave it out, or choose another name", "the build argument %s is rtbuild's own", arg)
		}
	}
	if len(r.Dependencies.Env) > 0 && r.Dependencies.Manager == "none" {
		return file.FieldErrorf("dependencies", "leave env out", "with the manager none there are no steps that dependencies.env is for")
	}
	if m := r.Dependencies.Manager; !slices.Contains(d.managers, m) {
		return file.FieldErrorf("dependencies", "use "+strings.Join(d.managers, " or "), "the manager %s is not supported by profile %s", m, name)
	}
	for _, t := range r.Tools {
		if t.URL == "" && !d.installsTool(t.Name) && t.Name != r.Dependencies.Manager && !d.pinsInterpreter(t.Name) {
			return file.FieldErrorf("tools", "give its url", "profile %s does not use the tool %q, so it needs a url", name, t.Name)
		}
	}
	if err := d.checkPython(file, r); err != nil {
		return err
	}
	for _, dir := range r.Volumes {
		if r.Code() == dir || strings.HasPrefix(r.Code(), dir+"/") {
			return file.FieldErrorf("volumes", "choose a directory for data, such as /data", "the volume %s would hide the runtime at %s from its containers", dir, r.Prefix)
		}
	}
	if d.original && file.Ignore != nil {
		return file.FieldErrorf("ignore", "leave ignore out", "profile %s uses only the ignore rules of the original", name)
	}
	if r.Base == "" {
		return file.FieldErrorf("", "write a line such as base: debian:bookworm, or give "+from.Give(options.BaseImage), "no base image is named")
	}
	return nil
}

// checkPython returns an error for fields that mean nothing to the profile's language or to the package manager.
func (d definition) checkPython(file *runtimefile.File, r *Runtime) error {
	if r.Interpreter.From != "" && !d.projects {
		return file.FieldErrorf("runtime", "write runtime: {python: VERSION}", "profile %s has its python from conda-forge", d.defaults.Profile)
	}
	if m := r.Dependencies.Manager; file.Dependencies.Installer != "" && m != "poetry" {
		return file.FieldErrorf("dependencies", "leave installer out", "only the manager poetry has a choice of installers, and the manager is %s", m)
	}
	if file.Project != "" && !d.projects {
		return file.FieldErrorf("project", "leave project out", "profile %s installs no Python project", d.defaults.Profile)
	}
	if r.Dependencies.Manager == "none" && file.Project == runtimefile.ProjectEditable {
		return file.FieldErrorf("project", "leave project out", "with the manager none there is no environment to install the project into")
	}
	if m := r.Dependencies.Manager; len(r.Dependencies.Extras)+len(r.Dependencies.Groups) > 0 && (!slices.Contains([]string{"uv", "poetry", "pdm"}, m) || !d.projects) {
		hint := "leave extras and groups out"
		if m == "pip" {
			hint = "write their packages into the requirements file, as pip-compile --extra does"
		}
		return file.FieldErrorf("dependencies", hint, "profile %s with the manager %s installs no extras or groups of a project", d.defaults.Profile, m)
	}
	if file.Bytecode != "" && d.defaults.Bytecode == "" {
		return file.FieldErrorf("bytecode", "leave bytecode out", "profile %s does not run on python, and only Python has byte code", d.defaults.Profile)
	}
	return nil
}

// complete sets the values that depend on the project and on other fields.
func (d definition) complete(fsys fs.FS, r *Runtime) error {
	for c := range r.Components {
		if _, known := d.defaults.Components[c]; !known {
			delete(r.Components, c) // check accepts it only if it is off
		}
	}
	env := d.variables(r.Prefix)
	maps.Copy(env, r.Env)
	r.Env = env
	for _, step := range []func(fs.FS, *Runtime) error{d.completeDirectory, d.completeVersion, d.completeInterpreter, d.completePython, d.completeIgnore, completeManagerVersion, completeUV, completeFiles, d.completeProject, d.completeCommand, d.completeBuild} {
		if err := step(fsys, r); err != nil {
			return err
		}
	}
	return nil
}

func (d definition) completeVersion(fsys fs.FS, r *Runtime) (err error) {
	r.provenance.version = r.Version
	if r.Version == "" {
		r.Version, err = d.version(r.own(fsys))
	}
	if r.Version == "" && err == nil {
		r.Version, err = d.version(fsys)
		r.Version = cmp.Or(r.Version, "unknown")
	}
	return err
}

// completeIgnore sets the ignore patterns. The profile's own come after the user's, so that no "!" includes what is always ignored. Only
// exceptions for single files such as .env.example come last.
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
	r.provenance.ignore = slices.Concat(lines, r.OwnIgnore())
	r.Ignore = slices.Concat(r.provenance.ignore, d.defaults.Ignore, envExceptions(r.provenance.ignore), r.runtimeFile(fsys))
	return nil
}

// requirements returns pip's files, and keeps what they install from the context.
func (r *Runtime) requirements(fsys fs.FS) ([]string, error) {
	found, err := manifests.ReadRequirements(fsys, r.Dependencies.Files[0])
	if err == nil {
		r.provenance.requirements = found
		r.provenance.editable, err = manifests.EditableRequirements(fsys, found.Files)
	}
	return found.Files, err
}

// completeFiles adds the files that the given lock files refer to.
func completeFiles(fsys fs.FS, r *Runtime) error {
	r.provenance.dependencies = r.Dependencies
	var more []string
	var err error
	switch r.Dependencies.Manager {
	case "npm":
		more, err = npmFiles(fsys, r)
	case "pnpm", "yarn", "bun":
		more, err = nodeFiles(fsys, r)
	case "pip":
		more, err = r.requirements(fsys)
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
