package runtimefile

import (
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/llb"
)

// fields are the fields that a map of runtime.yaml may hold. Each name has a function that sets its value in T.
type fields[T any] map[string]func(d *document, n *yaml.Node, into *T) error

// read sets a map's values in T, in the order of the file.
func (known fields[T]) read(d *document, n *yaml.Node, what string, into *T) error {
	pairs, err := d.mapping(n, what)
	if err != nil {
		return err
	}
	for _, p := range pairs {
		set, ok := known[p.name]
		if !ok {
			return d.errorAt(p.key, Suggest(p.name, slices.Collect(maps.Keys(known))), "unknown field %q", p.name)
		}
		if err := set(d, p.value, into); err != nil {
			return err
		}
	}
	return nil
}

// fileFields are the fields of the whole file.
var fileFields = fields[File]{
	"profile": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Profile, err = d.oneOf(n, "profile", d.known.Profiles)
		return err
	},
	"base": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Base, err = d.str(n, "base")
		return d.check(n, err, CheckBase(f.Base))
	},
	"repository": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Repository, err = d.str(n, "repository")
		return d.check(n, err, CheckRepository(f.Repository))
	},
	"version": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Version, err = d.match(n, "version", oneLine, "it must be one line, and not empty")
		return err
	},
	"directory": func(d *document, n *yaml.Node, f *File) (err error) {
		dir, err := d.str(n, "directory")
		if f.Directory = path.Clean(dir); err == nil && f.Directory == "." {
			err = d.errorAt(resolve(n), "leave directory out", "the context itself is the default of directory")
		}
		return d.check(n, err, checkRelative("directory", dir))
	},
	"runtime": setInterpreter,
	"prefix": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Prefix, err = d.str(n, "prefix")
		return d.check(n, err, checkPrefix(f.Prefix))
	},
	"user":         setUser,
	"packages":     setPackages,
	"components":   setComponents,
	"tools":        setTools,
	"dependencies": setDependencies,
	"project": func(d *document, n *yaml.Node, f *File) (err error) {
		if v := resolve(n); v.Value == "build" {
			return d.errorAt(v, "leave project out, and build it by extra, such as extra: pip --python PREFIX/venv/bin/python install --no-deps .",
				"rtbuild does not run build backends yet")
		}
		f.Project, err = d.oneOf(n, "project", []string{ProjectEditable, ProjectNone})
		return err
	},
	"bytecode": func(d *document, n *yaml.Node, f *File) error {
		word, err := d.oneOf(n, "bytecode", []string{string(llb.BytecodeAll), string(llb.BytecodeStartup), string(llb.BytecodeNone)})
		f.Bytecode = llb.Bytecode(word)
		return err
	},
	"build":  setBuild,
	"source": setSource,
	"ignore": setIgnore,
	"env":    setEnv,
	"args":   setArgs,
	"entrypoint": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Entrypoint, err = command(d, n, "entrypoint")
		return err
	},
	"cmd": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Cmd, err = command(d, n, "cmd")
		return err
	},
	"workdir": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Workdir, err = d.str(n, "workdir")
		return d.check(n, err, checkWorkdir(f.Workdir))
	},
	"expose": setExpose,
	"extra": func(d *document, n *yaml.Node, f *File) (err error) {
		f.Extra, err = d.str(n, "extra")
		f.Extra = strings.TrimSpace(f.Extra)
		return err
	},
	"test":        setTests,
	"healthcheck": setHealthcheck,
	"stopSignal": func(d *document, n *yaml.Node, f *File) (err error) {
		f.StopSignal, err = d.match(n, "stopSignal", stopSignal, "write it as SIGTERM")
		return err
	},
	"volumes": setVolumes,
	"network": func(d *document, n *yaml.Node, f *File) error {
		return networkFields.read(d, n, "network", f)
	},
}

// check returns err or, if that is nil, fault as an error at a node.
func (d *document) check(n *yaml.Node, err, fault error) error {
	if err == nil && fault != nil {
		err = d.errorAt(resolve(n), "", "%s", fault)
	}
	return err
}

// interpreterFields are the fields of "runtime".
var interpreterFields = fields[Interpreter]{
	"node":   func(d *document, n *yaml.Node, i *Interpreter) error { return interpreter(d, n, i, "node") },
	"python": func(d *document, n *yaml.Node, i *Interpreter) error { return interpreter(d, n, i, "python") },
}

func interpreter(d *document, n *yaml.Node, i *Interpreter, name string) (err error) {
	if i.Name != "" {
		return d.errorAt(n, "", "runtime must name one interpreter, and names %s already", i.Name)
	}
	i.Name = name
	if resolve(n).Kind == yaml.MappingNode && name == "python" {
		return pythonFields.read(d, n, "python", i)
	}
	return setVersion(d, n, i)
}

func setVersion(d *document, n *yaml.Node, i *Interpreter) (err error) {
	i.Version, err = d.match(n, "version of "+i.Name, versionPrefix, "write it as 22 or 3.12")
	return err
}

// pythonFields are the fields of "runtime.python" in its long form.
var pythonFields = fields[Interpreter]{
	"version": setVersion,
	"from": func(d *document, n *yaml.Node, i *Interpreter) (err error) {
		i.From, err = d.oneOf(n, "from", []string{llb.FromStandalone})
		return err
	},
}

func setInterpreter(d *document, n *yaml.Node, f *File) error {
	var i Interpreter
	if err := interpreterFields.read(d, n, "runtime", &i); err != nil {
		return err
	}
	if i.Name == "" {
		return d.errorAt(n, "write it as {node: 22} or {python: 3.12}", "runtime names no interpreter")
	}
	f.Interpreter = i
	return nil
}

// maxID is the largest user id of Linux. The next number means "none".
const maxID = 1<<32 - 2

// userFields are the fields of "user".
var userFields = fields[User]{
	"name": func(d *document, n *yaml.Node, u *User) (err error) {
		u.Name, err = d.match(n, "user name", userName, "it must be lower-case letters, digits, - and _")
		if err == nil && u.Name == RootUser {
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

// RootUser is the name of the user that always exists.
const RootUser = "root"

func setUser(d *document, n *yaml.Node, f *File) error {
	if v := resolve(n); v.Kind == yaml.ScalarNode {
		if v.ShortTag() != "!!str" || v.Value != RootUser {
			return d.errorAt(v, "write {name: agent, uid: 1000, gid: 1000}, or root", "user must be a map or the word root")
		}
		f.User = User{Name: RootUser}
		return nil
	}
	return userFields.read(d, n, "user", &f.User)
}

// packageFields are the fields of "packages" in its form by package manager.
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

func setPackages(d *document, n *yaml.Node, f *File) (err error) {
	f.Packages, err = packages(d, n)
	f.NoPackages = err == nil && resolve(n).Kind == yaml.SequenceNode && len(f.Packages[""]) == 0
	return err
}

// componentFields are the fields of "components". Package profile checks which of them the profile has.
var componentFields = fields[map[string]bool]{
	"browser": component("browser"), "editor": component("editor"), "docker": component("docker"),
}

func component(name string) func(*document, *yaml.Node, *map[string]bool) error {
	return func(d *document, n *yaml.Node, into *map[string]bool) (err error) {
		(*into)[name], err = d.boolean(n, "component "+name)
		return err
	}
}

func setComponents(d *document, n *yaml.Node, f *File) error {
	f.Components = map[string]bool{}
	return componentFields.read(d, n, "components", &f.Components)
}

// dependencyFields are the fields of "dependencies".
var dependencyFields = fields[Dependencies]{
	"manager": func(d *document, n *yaml.Node, to *Dependencies) (err error) {
		to.Manager, err = d.oneOf(n, "manager", d.known.Managers)
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
	"installer": func(d *document, n *yaml.Node, to *Dependencies) (err error) {
		to.Installer, err = d.oneOf(n, "installer", []string{InstallerUV, InstallerPoetry})
		return err
	},
	"extras": func(d *document, n *yaml.Node, to *Dependencies) (err error) {
		to.Extras, err = distributionNames(d, n, "extras")
		return err
	},
	"groups": func(d *document, n *yaml.Node, to *Dependencies) (err error) {
		to.Groups, err = distributionNames(d, n, "groups")
		return err
	},
	"env": func(d *document, n *yaml.Node, to *Dependencies) (err error) {
		to.Env, err = variables(d, n)
		return err
	},
}

// distributionNames returns the names of extras or groups, normalised, sorted and unique.
func distributionNames(d *document, n *yaml.Node, what string) ([]string, error) {
	var names []string
	err := d.list(n, what, func(item *yaml.Node) error {
		name, err := d.match(item, "name in "+what, distributionName, "it must be letters, digits, ., - and _")
		names = append(names, llb.NormalName(name))
		return err
	})
	slices.Sort(names)
	return slices.Compact(names), err
}

func setDependencies(d *document, n *yaml.Node, f *File) error {
	return dependencyFields.read(d, n, "dependencies", &f.Dependencies)
}

// networkFields are the fields of "network".
var networkFields = fields[File]{"mirrors": setMirrors}
