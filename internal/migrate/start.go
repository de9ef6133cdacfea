package migrate

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
)

// finishStart sets the entrypoint and the command.
func (r *reader) finishStart() {
	if r.entrypoint != nil {
		r.set("entrypoint", r.startWords(r.entrypoint), r.whyLines("ENTRYPOINT", []int{r.entrypointLine}))
	}
	if r.cmd == nil {
		return
	}
	words := r.cmd
	if r.entrypoint == nil {
		if slices.Contains(startScripts, strings.Join(words, " ")) {
			r.notes = append(r.notes, "line "+strconv.Itoa(r.cmdLine)+" starts "+words[0]+", which prints lines of its own. The default is the start script itself.")
			return
		}
		words = r.startWords(words)
	} else {
		words = r.movedWords(words)
	}
	r.set("cmd", words, r.whyLines("CMD", []int{r.cmdLine}))
}

// startScripts are the commands for which the default is the words of the start script.
var startScripts = []string{"npm start", "npm run start", "yarn start", "yarn run start", "pnpm start", "pnpm run start", "npm run --silent start", "npm --silent start"}

// startWords returns a command as it is in rtbuild's image: the dependencies' programs are in PATH, and those of the project itself are
// started by their files.
func (r *reader) startWords(words []string) []string {
	words = withoutRunner(words)
	if len(words) == 0 {
		return words
	}
	if dir, name := path.Split(words[0]); strings.HasSuffix(dir, "venv/bin/") || strings.HasSuffix(dir, "node_modules/.bin/") {
		words = append([]string{name}, words[1:]...)
	}
	if file, err := manifests.NPMProgram(r.fsys, words[0]); err == nil && file != "" {
		return append([]string{"node", file}, r.movedWords(words[1:])...)
	}
	return r.movedWords(words)
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
