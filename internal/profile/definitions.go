package profile

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// definition is a profile: the defaults of a kind of project, what its image is made of, and how such a project is known. It is data.
type definition struct {
	defaults Runtime
	env      map[string]string // {prefix} is replaced
	managers []string          // those it can install with

	image     llb.Runtime            // the traits that no file sets: see llb.Runtime. Of User, those of how it is set up
	installer llb.Installer          // in place of the manager's own; nil: that one
	packages  [][]part[llb.Packages] // layer by layer
	system    []part[llb.Component]
	tools     []part[llb.Component]
	deps      []part[llb.Component]
	copies    []part[llb.SourceCopy]
	releases  []part[string] // the downloads that these install: see package releases
	installs  bool           // packages of its own, which packages: [] leaves out

	locks    []string       // the files by which a project is detected, all of them
	others   []Dependencies // by other managers than the default; each fits a project that has its files
	project  string         // the name in pyproject.toml that it must have besides; empty: any
	lookIn   []string       // where the lock files may lie; nil: the context alone
	original bool           // hash and copy by the rules of OpenHands' own build
	noCopy   []string       // names that are hashed but not copied

	version func(fs.FS) (string, error)   // of the project; empty if it has none
	command func(fs.FS) ([]string, error) // the default of cmd; nil: the base's
}

// part is what an image has if a component of the runtime is on. An empty component is always on.
type part[T any] struct {
	component string
	value     T
}

// chosen are the values of the parts whose components are on.
func chosen[T any](parts []part[T], on map[string]bool) []T {
	var all []T
	for _, p := range parts {
		if p.component == "" || on[p.component] {
			all = append(all, p.value)
		}
	}
	return all
}

// alwaysIgnored is what no image of node or python may hold: what is built anew in it, and what may hold secrets.
var alwaysIgnored = []string{
	"**/.git", "**/node_modules", "**/__pycache__", "**/*.pyc", "**/.venv", "**/venv", "**/.env*", "**/.npmrc", "**/.netrc", runtimefile.Name,
}

// agent is the user of all profiles but openhands.
var agent = User{Name: "agent", UID: 1000, GID: 1000}

// definitions are the profiles that there are.
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
		managers: []string{"npm", "none"},
		locks:    []string{"package-lock.json"},
		version:  manifests.NPMVersion,
		command:  manifests.NPMCommand,
	},
	{
		defaults: Runtime{
			Profile:     "python",
			Interpreter: Interpreter{Name: "python"},
			Prefix:      "/agent", User: agent,
			Dependencies: Dependencies{Manager: "pip", Files: []string{"requirements.txt"}},
			Source:       []Source{{Path: ".", Hash: true}},
			Ignore:       alwaysIgnored,
		},
		managers: []string{"pip", "poetry", "uv", "none"},
		installs: true,
		locks:    []string{"requirements.txt"},
		others: []Dependencies{
			{Manager: "poetry", Files: []string{manifests.PyprojectTOML, "poetry.lock"}},
			{Manager: "uv", Files: []string{manifests.PyprojectTOML, "uv.lock"}},
		},
		version: manifests.PythonVersion,
		command: noCommand,
	},
	openhands,
}

func noCommand(fs.FS) ([]string, error) { return nil, nil }

// withComponents are the profiles that have components.
func withComponents() []string {
	var names []string
	for _, d := range definitions {
		if len(d.defaults.Components) > 0 {
			names = append(names, d.defaults.Profile)
		}
	}
	return names
}

// profileNames are the profiles that there are.
func profileNames() []string {
	var names []string
	for _, d := range definitions {
		names = append(names, d.defaults.Profile)
	}
	return names
}

// filesOf are the files that a manager installs from where the file does not say; nil if no profile does.
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

// managers are the package managers that some profile can install with.
func managers() []string {
	var names []string
	for _, d := range definitions {
		names = append(names, d.managers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// definitionOf gives a profile by its name; one without any defaults if there is none.
func definitionOf(name string) definition {
	for _, d := range definitions {
		if d.defaults.Profile == name {
			return d
		}
	}
	return definition{}
}

// runtime gives the profile's defaults, to be changed. Its env is still empty: it depends on the prefix.
func (d definition) runtime() *Runtime {
	r := d.defaults
	r.Env = map[string]string{}
	r.Components = map[string]bool{}
	maps.Copy(r.Components, d.defaults.Components)
	return &r
}

// variables is the profile's env for a prefix.
func (d definition) variables(prefix string) map[string]string {
	env := map[string]string{}
	for name, value := range d.env {
		env[name] = strings.ReplaceAll(value, "{prefix}", prefix)
	}
	return env
}

// installsTool reports whether the profile's components install a download of a name.
func (d definition) installsTool(name string) bool {
	return slices.ContainsFunc(d.releases, func(p part[string]) bool { return p.value == name })
}
