package migrate

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
)

// finishStart sets the entrypoint and the command.
func (r *reader) finishStart() {
	if r.entrypoint != nil {
		words := r.startWords(r.entrypoint)
		if r.lacks("ENTRYPOINT", r.entrypointLine, words) {
			return // the command may be its arguments
		}
		r.set("entrypoint", words, r.whyLines("ENTRYPOINT", []int{r.entrypointLine}))
	}
	if r.cmd == nil {
		return
	}
	words := r.cmd
	switch {
	case r.entrypoint == nil && slices.Contains(startScripts, strings.Join(words, " ")):
		r.notes = append(r.notes, "line "+strconv.Itoa(r.cmdLine)+" starts "+words[0]+", which prints lines of its own. The default is the start script itself.")
		return
	case r.entrypoint == nil && r.interpreter != "" && len(words) > 0:
		words = append([]string{r.interpreter}, r.movedWords(words)...)
	case r.entrypoint == nil || startsCommands(r.entrypoint):
		words = r.startWords(words)
	default:
		words = r.movedWords(words)
	}
	if !r.lacks("CMD", r.cmdLine, words) {
		r.set("cmd", words, r.whyLines("CMD", []int{r.cmdLine}))
	}
}

// startsCommands reports whether an entrypoint starts the command that follows it.
func startsCommands(entrypoint []string) bool {
	if len(entrypoint) == 0 {
		return true
	}
	first := path.Base(entrypoint[0])
	return slices.Contains([]string{"tini", "dumb-init", "catatonit", "docker-init", "env", "gosu", "su-exec"}, first) ||
		entrypoint[len(entrypoint)-1] == "--" || strings.HasSuffix(first, ".sh")
}

// lacks reports whether a command runs a program that rtbuild's image does not have, and notes it.
func (r *reader) lacks(instruction string, line int, words []string) bool {
	base := ""
	if i := slices.IndexFunc(r.fields, func(f field) bool { return f.name == "base" }); i >= 0 {
		base, _ = r.fields[i].value.(string)
	}
	for _, first := range firstWords(words) {
		if slices.Contains([]string{"pnpm", "pnpx", "yarn", "bun", "bunx", "corepack", "uv", "uvx", "poetry", "pdm", "pipenv"}, first) && !strings.Contains(base, "/"+strings.TrimSuffix(first, "x")) {
			r.leave(line, oneLine(instruction+" "+strings.Join(words, " ")), "the image has no %s: start a program of the project or of its dependencies", first)
			return true
		}
	}
	return false
}

// firstWords returns the programs that a command starts. It looks into lines for the shell.
func firstWords(words []string) []string {
	if len(words) == 3 && slices.Contains([]string{"sh", "bash"}, path.Base(words[0])) && strings.HasPrefix(words[1], "-") {
		var all []string
		for _, s := range statements(words[2], "/", variables{}) {
			if len(s.words) > 0 {
				all = append(all, s.words[0])
				if s.words[0] == "exec" && len(s.words) > 1 {
					all = append(all, s.words[1])
				}
			} else if fields := strings.Fields(s.text); len(fields) > 0 {
				all = append(all, fields...) // a pipeline, a condition
			}
		}
		return all
	}
	for i, word := range words {
		if name, _, set := strings.Cut(word, "="); word != "env" && word != "--" && (!set || strings.Contains(name, "/")) {
			if first := path.Base(word); !startsCommands([]string{first}) {
				return []string{first}
			}
			return firstWords(words[i+1:])
		}
	}
	return nil
}

// startScripts are the commands for which the default is the words of the start script.
var startScripts = []string{"npm start", "npm run start", "yarn start", "yarn run start", "pnpm start", "pnpm run start", "npm run --silent start", "npm --silent start"}

// startWords returns a command as it is in rtbuild's image: the dependencies' programs are in PATH, those of the project itself are
// started by their files, and its scripts by their own words.
func (r *reader) startWords(words []string) []string {
	words = withoutRunner(words)
	if len(words) == 0 {
		return words
	}
	if n := len(words); startsCommands(words[:1]) && n > 1 && path.Base(words[0]) != "env" {
		for i, word := range words[1:] {
			if word == "--" && i+2 < n {
				return slices.Concat(words[:i+2], r.startWords(words[i+2:]))
			}
		}
	}
	if script := r.scriptOf(words); script != nil {
		return script
	}
	if dir, name := path.Split(words[0]); strings.HasSuffix(dir, "venv/bin/") || strings.HasSuffix(dir, "node_modules/.bin/") {
		words = append([]string{name}, words[1:]...)
	}
	if file, err := manifests.NPMProgram(r.project(), words[0]); err == nil && file != "" {
		return append([]string{"node", file}, r.movedWords(words[1:])...)
	}
	if file := r.find("/usr/local/bin/" + words[0]); !strings.Contains(words[0], "/") && file != "" {
		return append([]string{"./" + file}, r.movedWords(words[1:])...)
	}
	return r.movedWords(words)
}

// project returns the project's own directory.
func (d *draft) project() fs.FS {
	if d.own == "" {
		return d.fsys
	}
	own, err := fs.Sub(d.fsys, d.own)
	if err != nil {
		return d.fsys
	}
	return own
}

// scriptOf returns the words of the script that a command of a package manager runs, or nil. Package managers print lines of their own.
func (r *reader) scriptOf(words []string) []string {
	manager := path.Base(words[0])
	if !slices.Contains([]string{"npm", "yarn", "pnpm", "bun"}, manager) {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return slices.Contains([]string{"--silent", "-s", "--quiet", "-q"}, w) })
	switch {
	case len(rest) > 1 && (rest[0] == "run" || rest[0] == "run-script"):
		rest = rest[1:]
	case len(rest) == 0 || manager == "npm" && rest[0] != "start":
		return nil
	}
	script, err := manifests.NPMScript(r.project(), rest[0])
	if err != nil || script == nil {
		return nil
	}
	args := rest[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) > 0 && script[0] == "npm" {
		args = append([]string{"--"}, args...)
	}
	return append(script, r.movedWords(args)...)
}

// withoutRunner removes "uv run", "poetry run" and "uvx". The image has no such program, and its PATH begins with the environment.
func withoutRunner(words []string) []string {
	if len(words) > 1 && words[0] == "uvx" && !strings.HasPrefix(words[1], "-") {
		return words[1:]
	}
	if len(words) < 3 || !slices.Contains([]string{"uv", "poetry"}, path.Base(words[0])) {
		return words
	}
	rest := words[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0] != "run" {
		return words
	}
	rest = rest[1:]
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		if rest[0] == "-m" || rest[0] == "--module" {
			return append([]string{"python"}, append([]string{"-m"}, rest[1:]...)...)
		}
		if slices.Contains([]string{"--directory", "--project", "--python", "--extra", "--group", "-p"}, rest[0]) && len(rest) > 1 {
			rest = rest[1:]
		}
		rest = rest[1:]
	}
	return rest
}
