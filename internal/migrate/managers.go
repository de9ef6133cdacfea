package migrate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/lint"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// brought are programs that rtbuild brings where a project needs them.
var brought = []string{"npm", "pnpm", "yarn", "bun", "corepack", "node-gyp", "pip", "setuptools", "wheel", "uv", "poetry", "poetry-core", "pipenv"}

// areBrought reports whether rtbuild brings all of some packages. Their versions do not matter.
func areBrought(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		end := strings.IndexAny(name, "@=<>~!")
		if end > 0 {
			name = name[:end]
		}
		return !slices.Contains(brought, name)
	})
}

// dependsOn sets the package manager of the dependencies, and with it the profile.
func (r *reader) dependsOn(profile, manager string, files []string) string {
	if dir := r.elsewhere(); dir != "" {
		return fmt.Sprintf(inDirectory, oneLine(dir))
	}
	for _, set := range r.now.set {
		if name, value, _ := strings.Cut(set, "="); r.final || lint.ForInstallation(name) {
			r.forInstallation(name, value)
		}
	}
	value := map[string]any{"manager": manager}
	if files != nil {
		value["files"] = files
	}
	if !r.has("dependencies") || r.final {
		why := r.why("RUN")
		r.set("dependencies", value, why)
		r.set("profile", profile, why)
	}
	return ""
}

// builds adds a command of the build.
func (r *reader) builds(s statement) string {
	s = r.byNPM(s)
	line, ok := s.shellLine()
	switch dir := r.elsewhere(); {
	case dir != "":
		return fmt.Sprintf(inDirectory, oneLine(dir))
	case s.pattern || !ok:
		return "it needs a shell: write it as build: {run: COMMAND}"
	case slices.ContainsFunc(r.build, func(c buildCommand) bool { return c.line == line }):
		return ""
	}
	r.build = append(r.build, buildCommand{s.words, line, len(s.set) > 0})
	r.buildLines = append(r.buildLines, r.line)
	r.forBuild()
	return ""
}

// byNPM returns the command that runs a script of package.json by npm, which every build has.
func (r *reader) byNPM(s statement) statement {
	manager, rest := path.Base(s.words[0]), s.words[1:]
	if len(rest) > 1 && rest[0] == "run" {
		rest = rest[1:]
	}
	if !slices.Contains([]string{"yarn", "pnpm", "bun"}, manager) || len(rest) == 0 || !r.script(rest[0]) {
		return s
	}
	words := []string{"npm", "run", rest[0]}
	if refuses, err := manifests.RefusesNPM(r.project()); err == nil && refuses {
		words = slices.Insert(words, 1, "--force")
	}
	if args := rest[1:]; len(args) > 0 && args[0] != "--" {
		words = append(words, "--")
	}
	s.words = append(words, rest[1:]...)
	return s
}

// inDirectory is the reason for a command that is left because of its directory.
const inDirectory = "it runs in the directory %s; dependencies and build run in that of the project"

// buildCommand is a command of the build.
type buildCommand struct {
	words []string
	line  string // for the shell
	set   bool   // the line sets variables
}

// elsewhere are options of package managers that choose another directory, or some packages of a workspace.
var elsewhere = []string{"--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--filter", "-F", "workspace", "--directory", "--project"}

// node handles a package manager of Node.js.
func node(manager string) handler {
	return func(r *reader, s statement, words []string) string {
		for _, word := range words {
			if name, _, _ := strings.Cut(word, "="); slices.Contains(elsewhere, name) {
				return "it is about a part of the project: name the files under dependencies, and the command under build"
			}
		}
		if len(words) == 0 && manager != "yarn" || slices.ContainsFunc(words, func(w string) bool { return slices.Contains([]string{"--version", "-v", "--help", "-h"}, w) }) {
			return ""
		}
		named := positional(words, "--cache", "--registry", "--network-timeout", "--loglevel")
		if len(named) == 0 {
			named = []string{"install"} // yarn
		}
		return nodeCommand(r, s, manager, named[0], named[1:])
	}
}

func nodeCommand(r *reader, s statement, manager, verb string, names []string) string {
	isGlobal := slices.ContainsFunc(s.words, func(w string) bool { return w == "-g" || w == "--global" || w == "global" })
	switch verb {
	case "cache", "prune", "rebuild", "link", "fetch", "store", "dedupe", "audit", "fund", "-v", "autoclean":
		return ""
	case "config", "set":
		return "write the setting into a file of the project, such as .npmrc"
	case "ci", "clean-install", "install", "i", "add", "global":
		switch {
		case len(names) == 0:
			reason := r.dependsOn("node", manager, nil)
			if reason == "" {
				r.installOptions(manager, s.words[1:])
			}
			return reason
		case areBrought(names):
			return ""
		case isGlobal:
			return "programs of npm are not installed for the whole system: add them to the dependencies in package.json"
		}
		return "add it to the dependencies in package.json, so that the lock file has it"
	case "run", "run-script":
		if len(names) > 0 && checks(names[0]) {
			return "rtbuild runs no checks of the source; test: checks the finished image"
		}
		return r.builds(s)
	case "build":
		if manager == "yarn" || manager == "pnpm" || manager == "bun" && r.script(verb) {
			return r.builds(s)
		}
	case "test", "t", "lint":
		return "rtbuild runs no checks of the source; test: checks the finished image"
	}
	if manager != "npm" && r.script(verb) {
		if checks(verb) {
			return "rtbuild runs no checks of the source; test: checks the finished image"
		}
		return r.builds(s) // a script, without "run"
	}
	return manager + " " + verb + " has no equivalent; extra runs a command as the user, after the source is in place"
}

// script reports whether package.json has a script.
func (d *draft) script(name string) bool {
	data, err := projectfile.ReadOptional(d.fsys, path.Join(d.own, manifests.PackageJSON))
	var file struct {
		Scripts map[string]any `json:"scripts"`
	}
	return err == nil && json.Unmarshal(data, &file) == nil && file.Scripts[name] != nil
}

// checks reports whether a script is one that checks the source.
func checks(script string) bool {
	name, _, _ := strings.Cut(script, ":")
	return slices.Contains([]string{"test", "lint", "typecheck", "check", "coverage"}, name)
}

// compiler handles commands that compile the project.
func compiler(r *reader, s statement, words []string) string {
	if named := positional(append([]string{s.words[0]}, words...)); slices.Contains(named, "tsc") || slices.Contains(named, "vite") || slices.Contains(named, "next") {
		return r.builds(s)
	}
	return "extra runs such a command as the user, after the source is in place"
}

// pip handles pip install. Packages that the command names itself are in no lock file.
func pip(r *reader, _ statement, words []string) string {
	var files, named []string
	for i := 0; i < len(words); i++ {
		switch word := words[i]; {
		case (word == "-r" || word == "--requirement") && i+1 < len(words):
			i++
			files = append(files, r.contextPath(words[i]))
		case slices.Contains(indexOptions, strings.SplitN(word, "=", 2)[0]):
			r.leave(r.line, "pip install "+oneLine(word), "write the option into the requirements file, or set its variable in dependencies: {env: {...}}")
			if !strings.Contains(word, "=") && !slices.Contains([]string{"--no-index", "--no-deps", "--pre"}, word) {
				i++
			}
		case slices.Contains([]string{"--timeout", "--retries", "-t", "--target", "--prefix", "--python"}, word):
			i++
		case !strings.HasPrefix(word, "-"):
			named = append(named, word)
		}
	}
	return r.requires(files, named)
}

// indexOptions are options of pip that decide what it installs.
var indexOptions = []string{"-i", "--index-url", "--extra-index-url", "--trusted-host", "-c", "--constraint", "-f", "--find-links", "--no-index", "--no-deps", "--pre", "--no-binary", "--only-binary"}

// contextPath returns a file that a command names, relative to the context.
func (r *reader) contextPath(name string) string {
	file := absolute(r.now.dir, name)
	if found := r.find(file); found != "" {
		return found
	}
	if local, below := strings.CutPrefix(file, strings.TrimSuffix(cmp.Or(r.directory(), r.workdir), "/")+"/"); below {
		return local
	}
	return name
}

// requires adds what pip installs: files of requirements, the project, and packages.
func (r *reader) requires(files, named []string) string {
	if slices.Contains(files, manifests.PyprojectTOML) {
		files, named = nil, append(named, ".")
	}
	switch {
	case len(named) == 0 || named[0] != "install":
		return ""
	case len(files) == 1:
		return r.dependsOn("python", "pip", files)
	case len(files) > 1:
		return "name the files under dependencies: {files: [...]}; the first includes the others by lines -r"
	}
	packages := named[1:]
	project := slices.ContainsFunc(packages, func(p string) bool {
		return p == "." || strings.HasPrefix(p, ".[") || p == r.workdir || p == r.directory()
	})
	switch {
	case areBrought(packages):
		return ""
	case project && !slices.ContainsFunc(packages, func(p string) bool { return p != "." && p != packages[0] }):
		r.set("profile", "python", r.why("RUN"))
		return ""
	}
	return "add it to the project's dependencies, so that the lock file has it"
}

// uv handles uv sync, and uv pip.
func uv(r *reader, s statement, words []string) string {
	named := positional(words, "--python", "-p", "--group", "--extra", "--package", "--no-group", "--cache-dir")
	switch {
	case len(named) == 0:
		return ""
	case named[0] == "sync" && slices.Contains(words, "--package"):
		return "it is about a part of the project: name the files under dependencies"
	case named[0] == "sync":
		return r.groups(words, r.dependsOn("python", "uv", nil))
	case named[0] == "pip":
		return pip(r, s, words[slices.Index(words, "pip")+1:])
	case slices.Contains([]string{"venv", "cache", "lock", "python", "self"}, named[0]):
		return ""
	}
	return "uv " + named[0] + " has no equivalent: add programs to the project's dependencies"
}

// chooses are the options by which uv and Poetry choose optional dependencies, and the part of the field dependencies for each.
var chooses = map[string]string{"--extra": "extras", "-E": "extras", "--extras": "extras", "--group": "groups", "--with": "groups"}

// groups keeps the optional dependencies that a command chooses. It returns why it cannot, else reason.
func (r *reader) groups(words []string, reason string) string {
	for i, word := range words {
		name, value, given := strings.Cut(word, "=")
		field, known := chooses[name]
		switch {
		case slices.Contains([]string{"--all-extras", "--all-groups"}, name):
			return "name the optional dependencies: dependencies: {extras: [...], groups: [...]}"
		case !known:
			continue
		case !given && i+1 < len(words):
			value = words[i+1]
		}
		for name := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == ',' || c == ' ' }) {
			if !slices.Contains(r.optional[field], name) {
				r.optional[field] = append(r.optional[field], name)
			}
		}
	}
	return reason
}

// finishDependencies adds the optional dependencies to the field.
func (r *reader) finishDependencies() {
	if len(r.optional)+len(r.installEnv) == 0 {
		return
	}
	i := slices.IndexFunc(r.fields, func(f field) bool { return f.name == "dependencies" })
	if i < 0 {
		if len(r.installEnv) > 0 {
			r.set("dependencies", map[string]any{"env": r.installEnv}, "variables and options for the installation")
		}
		return
	}
	value := r.fields[i].value.(map[string]any)
	for name, chosen := range r.optional {
		value[name] = chosen
	}
	if len(r.installEnv) > 0 {
		value["env"] = r.installEnv
	}
}

func poetry(r *reader, _ statement, words []string) string {
	named := positional(words, "--only", "--without", "--with", "-E", "--extras")
	switch {
	case len(named) == 0 || named[0] == "config" || named[0] == "cache" || named[0] == "check" || named[0] == "lock":
		return ""
	case named[0] == "install" || named[0] == "sync":
		return r.groups(words, r.dependsOn("python", "poetry", nil))
	}
	return "poetry " + named[0] + " has no equivalent"
}

// pythonModule handles python -m pip, and virtual environments.
func pythonModule(r *reader, s statement, words []string) string {
	if len(words) > 1 && words[0] == "-m" {
		switch words[1] {
		case "pip":
			return pip(r, s, words[2:])
		case "venv", "ensurepip":
			return ""
		}
	}
	return "extra runs such a command as the user, after the source is in place"
}
