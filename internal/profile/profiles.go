package profile

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// builtin is a profile: the defaults of a kind of project, and how such a project is known. It is data.
type builtin struct {
	defaults Runtime
	env      map[string]string // {prefix} is replaced
	managers []string          // those it can install with
	installs bool              // packages of its own, which packages: [] leaves out
	releases []string          // the downloads that its components install; see releases.go

	locks    []string       // the files by which a project is detected, all of them
	others   []Dependencies // by other managers than the default; each fits a project that has its files
	project  string         // the name in pyproject.toml that it must have besides; empty: any
	lookIn   []string       // where the lock files may lie; nil: the context alone
	original bool           // hash and copy by the rules of OpenHands' own build
	noCopy   []string       // names that are hashed but not copied

	version func(fs.FS) (string, error)   // of the project; empty if it has none
	command func(fs.FS) ([]string, error) // the default of cmd; nil: the base's
}

// alwaysIgnored is what no image of node or python may hold: what is built anew in it, and what may hold secrets.
var alwaysIgnored = []string{
	"**/.git", "**/node_modules", "**/__pycache__", "**/*.pyc", "**/.venv", "**/venv", "**/.env*", "**/.npmrc", "**/.netrc", fileName,
}

// agent is the user of all profiles but openhands.
var agent = User{Name: "agent", UID: 1000, GID: 1000}

var builtins = []builtin{
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
		version:  npmVersion,
		command:  npmCommand,
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
			{Manager: "poetry", Files: []string{pyprojectTOML, "poetry.lock"}},
			{Manager: "uv", Files: []string{pyprojectTOML, "uv.lock"}},
		},
		version: pythonVersion,
		command: noCommand,
	},
	{
		defaults: Runtime{
			Profile:      "openhands",
			Base:         "nikolaik/python-nodejs:python3.12-nodejs22",
			Interpreter:  Interpreter{Name: "python", Version: "3.12"},
			Prefix:       "/openhands",
			User:         User{Name: "openhands", UID: 1000, GID: 1000},
			Components:   map[string]bool{"browser": true, "docker": true, "editor": true},
			Dependencies: Dependencies{Manager: "poetry", Files: []string{"pyproject.toml", "poetry.lock"}},
			// The lock files are in the image with its dependencies, so they are no source.
			Source: []Source{{Path: "openhands", Hash: true}, {Path: "skills", Optional: true}},
		},
		env: map[string]string{
			"EDITOR": "code", "GIT_EDITOR": "code --wait", "VISUAL": "code", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
			"MAMBA_ROOT_PREFIX":       "{prefix}/micromamba",
			"OPENVSCODE_SERVER_ROOT":  "{prefix}/.openvscode-server",
			"POETRY_VIRTUALENVS_PATH": "{prefix}/poetry",
		},
		managers: []string{"poetry"},
		installs: true,
		releases: []string{"uv", "micromamba", "openvscode-server", "docker-apt-key"},
		locks:    []string{"pyproject.toml", "poetry.lock"},
		project:  "openhands-ai",
		lookIn:   []string{"openhands", "."},
		original: true,
		noCopy:   []string{"*.md"},
		version:  originalVersion,
		command:  noCommand,
	},
}

func noCommand(fs.FS) ([]string, error) { return nil, nil }

// profileNames are the profiles that there are.
func profileNames() []string {
	var names []string
	for _, b := range builtins {
		names = append(names, b.defaults.Profile)
	}
	return names
}

// filesOf are the files that a manager installs from where the file does not say; nil if no profile does.
func filesOf(manager string) []string {
	for _, b := range builtins {
		for _, d := range append([]Dependencies{b.defaults.Dependencies}, b.others...) {
			if d.Manager == manager {
				return d.Files
			}
		}
	}
	return nil
}

// managers are the package managers that some profile can install with.
func managers() []string {
	var names []string
	for _, b := range builtins {
		names = append(names, b.managers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// profileOf gives a profile by its name; one without any defaults if there is none.
func profileOf(name string) builtin {
	for _, b := range builtins {
		if b.defaults.Profile == name {
			return b
		}
	}
	return builtin{}
}

// runtime gives the profile's defaults, to be changed. Its env is still empty: it depends on the prefix.
func (b builtin) runtime() *Runtime {
	r := b.defaults
	r.Env = map[string]string{}
	r.Components = map[string]bool{}
	maps.Copy(r.Components, b.defaults.Components)
	return &r
}

// variables is the profile's env for a prefix.
func (b builtin) variables(prefix string) map[string]string {
	env := map[string]string{}
	for name, value := range b.env {
		env[name] = strings.ReplaceAll(value, "{prefix}", prefix)
	}
	return env
}
