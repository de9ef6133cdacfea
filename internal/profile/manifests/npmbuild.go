package manifests

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// NPMProject is what a package.json says about building and starting.
type NPMProject struct {
	scripts map[string]any
	main    string
	bin     []string // the files
}

// ReadNPM reads the project's package.json, which may be missing. An error in it is a [*projectfile.Error].
func ReadNPM(fsys fs.FS) (NPMProject, error) {
	fields, err := readPackageJSON(fsys)
	p := NPMProject{}
	p.scripts, _ = fields["scripts"].(map[string]any)
	p.main, _ = fields["main"].(string)
	p.bin = npmPrograms(fields["bin"])
	return p, err
}

// Builds reports whether the project has a script build.
func (p NPMProject) Builds() bool { return p.script("build") != "" }

func (p NPMProject) script(name string) string {
	text, _ := p.scripts[name].(string)
	return strings.TrimSpace(text)
}

// Starts reports whether the file that a command starts is there without a build, according to has. A command that starts no file of the
// project, as far as can be known, starts. Without a command, what the project says is looked at: its start script, its main file, its
// programs.
func (p NPMProject) Starts(has func(file string) bool, command []string) bool {
	if runsScript(command, "start") || len(command) == 0 && p.script("start") != "" {
		command = strings.Fields(p.script("start"))
	}
	var entries []string
	switch entry := started(command); {
	case entry != "":
		entries = []string{entry}
	case len(command) > 0:
	case p.main != "":
		entries = []string{p.main}
	default:
		entries = p.bin
	}
	return !slices.ContainsFunc(entries, func(entry string) bool { return !isModule(has, entry) })
}

// runsScript reports whether a command is that of npm for a script.
func runsScript(command []string, script string) bool {
	words := slices.DeleteFunc(slices.Clone(command), func(w string) bool { return w == "run" || strings.HasPrefix(w, "-") })
	return slices.Equal(words, []string{"npm", script})
}

// built maps servers to the directory in which they look for what their build has made.
var built = map[string]string{"next": ".next", "nuxt": ".output"}

// started returns the file of the project that a command starts, or "" if it is unknown.
func started(command []string) string {
	if len(command) < 2 {
		return ""
	}
	program, args := path.Base(command[0]), command[1:]
	if dir, known := built[program]; known && args[0] == "start" {
		return dir
	}
	if program != "node" {
		return ""
	}
	for i := 0; i < len(args); i++ {
		switch {
		case slices.Contains(nodeValues, args[i]):
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// nodeValues are the options of Node.js whose value is the next word.
var nodeValues = []string{"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file", "--env-file-if-exists"}

// isModule reports whether a path is a file or directory of the project, as Node.js resolves one. A path that leaves the project counts as one.
func isModule(has func(string) bool, name string) bool {
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return true
	}
	return slices.ContainsFunc([]string{"", ".js", ".mjs", ".cjs", ".json"}, func(end string) bool { return has(name + end) })
}
