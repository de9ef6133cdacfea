package manifests

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// NPMCommand returns the command that starts the project, or nil if package.json says none. In this order:
//
//   - the words of its start script, if no shell is needed to run them; else npm itself, which prints nothing of its own: programs that
//     talk over standard output start this way. --force is for projects whose devEngines would have npm refuse
//   - its main file, if the image has it or the build script may make it
//   - its program, if it has just one (field "bin")
//   - its main file, although the image does not have it: rule MissingStart of package lint then names the file
//
// has reports whether the image has a file of the project.
func NPMCommand(fsys fs.FS, has func(file string) bool) ([]string, error) {
	fields, err := readPackageJSON(fsys)
	scripts, _ := fields["scripts"].(map[string]any)
	main, _ := fields["main"].(string)
	programs := npmPrograms(fields["bin"])
	switch start, _ := scripts["start"].(string); {
	case start != "":
		words := scriptWords("start", scripts)
		if refuses, _ := RefusesNPM(fsys); refuses && words[0] == "npm" {
			words = slices.Insert(words, 1, "--force")
		}
		return words, err
	case main != "" && (len(programs) != 1 || madeByScript(main, scripts) || hasMain(main, has)): // has may be slow
		return []string{"node", main}, err
	case len(programs) == 1:
		return []string{"node", programs[0]}, err
	}
	return nil, err
}

// NPMFirstCommand returns the command by the rule of rtbuild's first releases. Images with this command have tags without a trace of it.
func NPMFirstCommand(fsys fs.FS) ([]string, error) {
	fields, err := readPackageJSON(fsys)
	if scripts, ok := fields["scripts"].(map[string]any); ok {
		if start, _ := scripts["start"].(string); start != "" {
			return []string{"npm", "start"}, err
		}
	}
	if main, _ := fields["main"].(string); main != "" {
		return []string{"node", main}, err
	}
	return nil, err
}

// NPMScript returns the command that runs a script of the project, by the rule of [NPMCommand] for the start script. It returns nil if
// package.json has no such script.
func NPMScript(fsys fs.FS, name string) ([]string, error) {
	fields, err := readPackageJSON(fsys)
	scripts, _ := fields["scripts"].(map[string]any)
	if text, _ := scripts[name].(string); text == "" {
		return nil, err
	}
	return scriptWords(name, scripts), err
}

// scriptWords returns the words of a script, or npm's command for scripts that need a shell or npm. "yarn node" is Node.js with yarn's
// loader of packages, which an image with node_modules does not need.
func scriptWords(name string, scripts map[string]any) []string {
	text, _ := scripts[name].(string)
	words, plain := plainWords(text)
	if plain && len(words) > 2 && words[0] == "yarn" && words[1] == "node" {
		words = words[1:]
	}
	if plain && scripts["pre"+name] == nil && scripts["post"+name] == nil && !slices.Contains(needShell, words[0]) {
		return words
	}
	if name == "start" {
		return []string{"npm", "--silent", name}
	}
	return []string{"npm", "--silent", "run", name}
}

// needShell are first words of scripts that are no programs, and the package managers, which print lines of their own.
var needShell = []string{
	"npm", "npx", "yarn", "pnpm", "pnpx", "corepack", "bunx",
	".", ":", "alias", "bg", "cd", "command", "eval", "exec", "exit", "export", "fg", "hash", "jobs", "read", "readonly", "return", "set", "shift",
	"source", "times", "trap", "type", "ulimit", "umask", "unalias", "unset", "wait",
	"case", "for", "if", "until", "while",
}

// plainWords splits a text at blanks, as a shell does, and reports whether it needs nothing else of a shell. Quotes are taken off.
func plainWords(text string) (words []string, plain bool) {
	if strings.ContainsAny(text, "&|;$`<>(){}[]*?~#!\\\r\n") {
		return nil, false
	}
	var word strings.Builder
	var quote rune // 0: outside of quotes
	begun := false
	for _, r := range text + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote != 0 || r != ' ' && r != '\t':
			word.WriteRune(r)
			begun = true
		case begun:
			words, begun = append(words, word.String()), false
			word.Reset()
		}
	}
	plain = quote == 0 && len(words) > 0 && words[0] != "" && !strings.Contains(words[0], "=") // VAR=value program
	return words, plain
}

// npmPrograms returns the different files of the field "bin": a path, or a map from names to paths.
func npmPrograms(bin any) []string {
	files := map[string]bool{}
	object, _ := bin.(map[string]any)
	for _, value := range append(slices.Collect(maps.Values(object)), bin) {
		if file, _ := value.(string); file != "" {
			files[path.Clean(file)] = true
		}
	}
	return slices.Sorted(maps.Keys(files))
}

// NPMProgram returns the file of a program that package.json names in its field "bin", or "" if it names no such program. A single path is
// the program of the package's own name, without its scope.
func NPMProgram(fsys fs.FS, name string) (string, error) {
	fields, err := readPackageJSON(fsys)
	file, _ := fields["bin"].(string)
	if own, _ := fields["name"].(string); file != "" && path.Base(own) != name {
		file = ""
	}
	if all, ok := fields["bin"].(map[string]any); ok {
		file, _ = all[name].(string)
	}
	if file != "" {
		file = path.Clean(file)
	}
	return file, err
}

// hasMain reports whether the image has a main file. It may be named without its ending, or by its directory.
func hasMain(main string, has func(string) bool) bool {
	file := path.Clean(main)
	if file == "." {
		return has("index.js")
	}
	return has(file) || path.Ext(file) == "" && (has(file+".js") || has(file+".json") || has(file+"/index.js"))
}

// madeByScript reports whether the project's build script may make a file. No build script makes files beside package.json.
func madeByScript(file string, scripts map[string]any) bool {
	build, _ := scripts["build"].(string)
	return build != "" && path.Dir(path.Clean(file)) != "."
}
