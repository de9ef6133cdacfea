package profile

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// definition is a profile as data: the defaults of a kind of project, the contents of its image, and how to detect such a project.
type definition struct {
	defaults Runtime
	env      map[string]string // with placeholder {prefix}
	managers []string          // supported package managers

	image      llb.Runtime              // traits that no file sets; of User, those besides name and ids
	installers map[string]llb.Installer // by Dependencies.Installer; they replace those of the managers
	packages   [][]part[llb.Packages]   // by layer
	system     []part[llb.Component]
	tools      []part[llb.Component]
	deps       []part[llb.Component]
	copies     []part[llb.SourceCopy]
	releases   []part[string] // names of the downloads that these install; see package releases
	projects   bool           // the profile installs the project itself
	installs   bool           // the profile installs packages; packages: [] turns that off

	locks    []string       // a project with all of these files fits the profile
	others   []Dependencies // of other managers; a project with the files of one of them fits, too
	project  string         // the required name in pyproject.toml; empty: any
	lookIn   []string       // directories that may hold the lock files; nil: only the context
	original bool           // hash and copy by the rules of OpenHands' build
	noCopy   []string       // names that are hashed but not copied

	version func(fs.FS) (string, error)                           // returns the project's version, or ""
	command func(fs.FS, func(file string) bool) ([]string, error) // returns the default of cmd; nil: the base's. The function reports which files the image has
	first   func(fs.FS) ([]string, error)                         // returns the default of the first releases, which leaves no trace in a tag; nil: command's
	build   func(fs.FS, *Runtime) ([]string, error)               // returns the project's own build command; nil: it has none that is needed

	notBuilt []string // patterns of what a build command leaves and an image must not have
}

// part is a value that an image has if a component of the runtime is on. A part without a component is always on.
type part[T any] struct {
	component string
	value     T
}

// chosen returns the values of the parts whose components are on.
func chosen[T any](parts []part[T], on map[string]bool) []T {
	var all []T
	for _, p := range parts {
		if p.component == "" || on[p.component] {
			all = append(all, p.value)
		}
	}
	return all
}

// alwaysIgnored are files that no image of node or python may contain: files that the build makes again, and files that may hold secrets.
var alwaysIgnored = []string{
	"**/.git", "**/node_modules", "**/__pycache__", "**/*.pyc", "**/.venv", "**/venv", "**/.env*", "**/.npmrc", "**/.netrc", runtimefile.Name,
}

// agent is the user of all profiles but openhands.
var agent = User{Name: "agent", UID: 1000, GID: 1000}

// definitions are all profiles.
var definitions = []definition{
	{
		defaults: Runtime{
			Profile:     "node",
			Interpreter: Interpreter{Name: "node", Version: "22"},
			Prefix:      "/agent", User: agent,
			Dependencies: Dependencies{Manager: "npm", Files: []string{"package.json", "package-lock.json"}},
			Source:       []Source{{Path: ".", Hash: true}},
			Ignore:       alwaysIgnored,
		},
		managers: []string{"npm", "pnpm", "yarn", "bun", "none"},
		locks:    []string{"package-lock.json"},
		others: []Dependencies{
			{Manager: "npm", Files: []string{manifests.PackageJSON, "npm-shrinkwrap.json"}}, // npm prefers it
			{Manager: "pnpm", Files: []string{manifests.PackageJSON, manifests.PNPMLock}},
			{Manager: "yarn", Files: []string{manifests.PackageJSON, manifests.YarnLock}},
			{Manager: "bun", Files: []string{manifests.PackageJSON, manifests.BunLock}},
		},
		version:  manifests.NPMVersion,
		command:  manifests.NPMCommand,
		first:    manifests.NPMFirstCommand,
		build:    npmBuild,
		notBuilt: slices.Concat(alwaysIgnored, caches),
	},
	{
		defaults: Runtime{
			Profile:     "python",
			Interpreter: Interpreter{Name: "python"},
			Prefix:      "/agent", User: agent,
			Dependencies: Dependencies{Manager: "pip", Files: []string{"requirements.txt"}},
			Bytecode:     llb.BytecodeAll,
			Source:       []Source{{Path: ".", Hash: true}},
			Ignore:       alwaysIgnored,
		},
		managers: []string{"pip", "poetry", "uv", "pdm", "pylock", "none"},
		projects: true,
		installs: true,
		locks:    []string{"requirements.txt"},
		others: []Dependencies{
			{Manager: "poetry", Files: []string{manifests.PyprojectTOML, "poetry.lock"}},
			{Manager: "uv", Files: []string{manifests.PyprojectTOML, "uv.lock"}},
			{Manager: "pdm", Files: []string{manifests.PyprojectTOML, manifests.PDMLock}},
			{Manager: "pylock", Files: []string{manifests.Pylock}},
		},
		version: manifests.PythonVersion,
		command: noCommand,
		build:   noBuild, notBuilt: slices.Concat(alwaysIgnored, caches),
	},
	openhands,
}

func noCommand(fs.FS, func(string) bool) ([]string, error) { return nil, nil }

// withComponents returns the names of the profiles that have components.
func withComponents() []string {
	var names []string
	for _, d := range definitions {
		if len(d.defaults.Components) > 0 {
			names = append(names, d.defaults.Profile)
		}
	}
	return names
}

// profileNames returns the names of all profiles.
func profileNames() []string {
	var names []string
	for _, d := range definitions {
		names = append(names, d.defaults.Profile)
	}
	return names
}

// filesOf returns the default lock files of a package manager, or nil if no profile supports it.
func filesOf(manager string) []string {
	for _, d := range definitions {
		for _, by := range append([]Dependencies{d.defaults.Dependencies}, d.others...) {
			if by.Manager == manager {
				return by.Files
			}
		}
	}
	return nil
}

// managers returns the package managers that some profile supports.
func managers() []string {
	var names []string
	for _, d := range definitions {
		names = append(names, d.managers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ownTools returns the names of the tools that need no url in some profile, because it downloads them anyway.
func ownTools() []string {
	var names []string
	for _, name := range releases.Names() {
		if slices.ContainsFunc(definitions, func(d definition) bool {
			return d.installsTool(name) || slices.Contains(d.managers, name) || d.pinsInterpreter(name)
		}) {
			names = append(names, name)
		}
	}
	return names
}

// definitionOf returns a profile by its name, or an empty definition if there is none.
func definitionOf(name string) definition {
	for _, d := range definitions {
		if d.defaults.Profile == name {
			return d
		}
	}
	return definition{}
}

// runtime returns a copy of the profile's defaults. Its env is empty, because env depends on the prefix.
func (d definition) runtime() *Runtime {
	r := d.defaults
	r.Env = map[string]string{}
	r.Components = map[string]bool{}
	maps.Copy(r.Components, d.defaults.Components)
	return &r
}

// variables returns the profile's env for a prefix.
func (d definition) variables(prefix string) map[string]string {
	env := map[string]string{}
	for name, value := range d.env {
		env[name] = strings.ReplaceAll(value, "{prefix}", prefix)
	}
	return env
}

// pinsInterpreter reports whether a download is the interpreter of the profile, in a version that the file may choose.
func (d definition) pinsInterpreter(name string) bool {
	return d.projects && name == d.defaults.Interpreter.Name
}

// installsTool reports whether a component of the profile installs a download with this name.
func (d definition) installsTool(name string) bool {
	return slices.ContainsFunc(d.releases, func(p part[string]) bool { return p.value == name })
}
