package profile

import (
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fields are what a map of runtime.yaml may hold: each name with what puts its value into T.
type fields[T any] map[string]func(d *document, n *yaml.Node, into *T) error

// read puts a map's values into T, in the order of the file.
func (f fields[T]) read(d *document, n *yaml.Node, what string, into *T) error {
	pairs, err := d.mapping(n, what)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		set, known := f[p.name]
		if !known {
			return d.errorAt(p.key, suggest(p.name, slices.Collect(maps.Keys(f))), "unknown field %q", p.name)
		}
		if err := set(d, p.value, into); err != nil {
			return err
		}
	}
	return nil
}

// apply puts what the file sets into a runtime that has its defaults.
func (d *document) apply(r *Runtime) error {
	if d.root == nil {
		return nil
	}
	return fileFields.read(d, d.root, "the file", r)
}

// fileFields are the fields of the whole file.
var fileFields = fields[Runtime]{
	"profile": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Profile, err = d.oneOf(n, "profile", profileNames())
		return err
	},
	"base": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Base, err = d.str(n, "base")
		return d.check(n, err, checkBase(r.Base))
	},
	"repository": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Repository, err = d.str(n, "repository")
		return d.check(n, err, checkRepository(r.Repository))
	},
	"version": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Version, err = d.match(n, "version", oneLine, "it must be one line, and not empty")
		return err
	},
	"runtime": setInterpreter,
	"prefix": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Prefix, err = d.str(n, "prefix")
		return d.check(n, err, checkPrefix(r.Prefix))
	},
	"user":         setUser,
	"packages":     setPackages,
	"components":   setComponents,
	"tools":        setTools,
	"dependencies": setDependencies,
	"source":       setSource,
	"ignore":       setIgnore,
	"env":          setEnv,
	"entrypoint": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Entrypoint, err = command(d, n, "entrypoint")
		return err
	},
	"cmd": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Cmd, err = command(d, n, "cmd")
		return err
	},
	"workdir": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Workdir, err = d.str(n, "workdir")
		return d.check(n, err, checkWorkdir(r.Workdir))
	},
	"expose": setExpose,
	"extra": func(d *document, n *yaml.Node, r *Runtime) (err error) {
		r.Extra, err = d.str(n, "extra")
		r.Extra = strings.TrimSpace(r.Extra)
		return err
	},
	"network": func(d *document, n *yaml.Node, r *Runtime) error {
		return networkFields.read(d, n, "network", r)
	},
}

// check is the first of two errors, the second one as one at a node.
func (d *document) check(n *yaml.Node, err, fault error) error {
	if err == nil && fault != nil {
		err = d.errorAt(resolve(n), "", "%s", fault)
	}
	return err
}

// interpreterFields are those of "runtime".
var interpreterFields = fields[Interpreter]{
	"node":   func(d *document, n *yaml.Node, i *Interpreter) error { return interpreter(d, n, i, "node") },
	"python": func(d *document, n *yaml.Node, i *Interpreter) error { return interpreter(d, n, i, "python") },
}

func interpreter(d *document, n *yaml.Node, i *Interpreter, name string) (err error) {
	if i.Name != "" {
		return d.errorAt(n, "", "runtime must name one interpreter, and names %s already", i.Name)
	}
	i.Name = name
	i.Version, err = d.match(n, "version of "+name, versionPrefix, "write it as 22 or 3.12")
	return err
}

func setInterpreter(d *document, n *yaml.Node, r *Runtime) error {
	var i Interpreter
	if err := interpreterFields.read(d, n, "runtime", &i); err != nil {
		return err
	}
	if i.Name == "" {
		return d.errorAt(n, "write it as {node: 22} or {python: 3.12}", "runtime names no interpreter")
	}
	r.Interpreter = i
	return nil
}

// maxID is the largest user id that Linux has: the one above means "none".
const maxID = 1<<32 - 2

// userFields are those of "user".
var userFields = fields[User]{
	"name": func(d *document, n *yaml.Node, u *User) (err error) {
		u.Name, err = d.match(n, "user name", userName, "it must be lower-case letters, digits, - and _")
		if err == nil && u.Name == rootUser {
			err = d.errorAt(n, "write user: root", "root is not made, and has its ids already")
		}
		return err
	},
	"uid": func(d *document, n *yaml.Node, u *User) (err error) {
		u.UID, err = d.integer(n, "uid", 1, maxID)
		return err
	},
	"gid": func(d *document, n *yaml.Node, u *User) (err error) {
		u.GID, err = d.integer(n, "gid", 1, maxID)
		return err
	},
}

// rootUser is the user that need not be made.
const rootUser = "root"

func setUser(d *document, n *yaml.Node, r *Runtime) error {
	if v := resolve(n); v.Kind == yaml.ScalarNode {
		if v.ShortTag() != "!!str" || v.Value != rootUser {
			return d.errorAt(v, "write {name: agent, uid: 1000, gid: 1000}, or root", "user must be a map or the word root")
		}
		r.User = User{Name: rootUser}
		return nil
	}
	return userFields.read(d, n, "user", &r.User)
}

// packageFields are those of "packages" where they are given by package manager.
var packageFields = fields[map[string][]string]{
	"apt": packagesOf("apt"), "apk": packagesOf("apk"), "dnf": packagesOf("dnf"),
	"zypper": packagesOf("zypper"),
}

func packagesOf(manager string) func(*document, *yaml.Node, *map[string][]string) error {
	return func(d *document, n *yaml.Node, into *map[string][]string) (err error) {
		(*into)[manager], err = packageList(d, n, "packages."+manager)
		return err
	}
}

func packageList(d *document, n *yaml.Node, what string) ([]string, error) {
	var names []string
	err := d.list(n, what, func(item *yaml.Node) error {
		name, err := d.match(item, "package", packageName, "give the name of a package, or NAME=VERSION")
		names = append(names, name)
		return err
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

func setPackages(d *document, n *yaml.Node, r *Runtime) (err error) {
	r.Packages = map[string][]string{}
	switch resolve(n).Kind {
	case yaml.MappingNode:
		err = packageFields.read(d, n, "packages", &r.Packages)
	case yaml.SequenceNode:
		r.Packages[""], err = packageList(d, n, "packages")
	default:
		err = d.wrongType(resolve(n), "packages", "a list, or a map of lists by package manager")
	}
	r.given.noPackages = err == nil && resolve(n).Kind == yaml.SequenceNode && len(r.Packages[""]) == 0
	maps.DeleteFunc(r.Packages, func(_ string, names []string) bool { return len(names) == 0 })
	return err
}

// componentFields are those of "components". Which of them a profile has is checked when the profile is known.
var componentFields = fields[map[string]bool]{
	"browser": component("browser"), "editor": component("editor"), "docker": component("docker"),
}

func component(name string) func(*document, *yaml.Node, *map[string]bool) error {
	return func(d *document, n *yaml.Node, into *map[string]bool) (err error) {
		(*into)[name], err = d.boolean(n, "component "+name)
		return err
	}
}

func setComponents(d *document, n *yaml.Node, r *Runtime) error {
	return componentFields.read(d, n, "components", &r.Components)
}

// dependencyFields are those of "dependencies".
var dependencyFields = fields[Dependencies]{
	"manager": func(d *document, n *yaml.Node, to *Dependencies) (err error) {
		to.Manager, err = d.oneOf(n, "manager", managers())
		return err
	},
	"files": func(d *document, n *yaml.Node, to *Dependencies) error {
		to.Files = nil
		err := d.list(n, "files", func(item *yaml.Node) error {
			file, err := d.str(item, "a dependency file")
			if err = d.check(item, err, checkLockFile(file)); err == nil && slices.Contains(to.Files, file) {
				err = d.errorAt(item, "", "dependency file %q is named twice", file)
			}
			to.Files = append(to.Files, file)
			return err
		})
		if err == nil && len(to.Files) == 0 {
			err = d.errorAt(n, "name at least one, or leave files out", "files is empty")
		}
		return err
	},
}

// setDependencies takes a manager's usual files where the file names none.
func setDependencies(d *document, n *yaml.Node, r *Runtime) error {
	given := Dependencies{Manager: r.Dependencies.Manager}
	err := dependencyFields.read(d, n, "dependencies", &given)
	if given.Files == nil {
		given.Files = filesOf(given.Manager)
	}
	r.Dependencies = given
	return err
}

// networkFields are those of "network".
var networkFields = fields[Runtime]{"mirrors": setMirrors}

func setMirrors(d *document, n *yaml.Node, r *Runtime) error {
	pairs, err := d.mapping(n, "mirrors")
	if err != nil {
		return err
	}
	r.Mirrors = map[string]string{}
	for _, p := range pairs {
		mirror, err := d.str(p.value, "a mirror")
		if err = d.check(p.key, err, checkAddress("address", p.name)); err != nil {
			return err
		}
		if err = d.check(p.value, nil, checkAddress("mirror", mirror)); err != nil {
			return err
		}
		r.Mirrors[p.name] = mirror
	}
	return nil
}
