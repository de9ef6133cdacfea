package lint

import (
	"path"
	"slices"
	"strings"
)

// mainFiles lists by interpreter what follows the name of a program's file or directory. Node's rules are those of require.
var mainFiles = map[string][]string{
	"node":    {"", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node", "/package.json"},
	"python":  {"", "/__main__.py"},
	"python3": {"", "/__main__.py"},
}

// missingStart finds a command that runs a file of the source that the image will not have. A command with an option, an absolute path,
// another directory or an extra step may find its file elsewhere.
func missingStart(in Input) []Finding {
	r := in.Runtime
	if in.Copied == nil || r.Entrypoint != nil || r.Extra != "" || r.Workdir != "" || len(r.Cmd) < 2 {
		return nil
	}
	ends, known := mainFiles[r.Cmd[0]]
	file := path.Clean(r.Cmd[1])
	if !known || strings.HasPrefix(file, "-") || path.IsAbs(file) || strings.HasPrefix(file, "node_modules/") {
		return nil
	}
	if slices.ContainsFunc(ends, func(end string) bool { return slices.Contains(in.Copied, path.Clean(file+end)) }) {
		return nil
	}
	what := "is not among the files of the image"
	if slices.ContainsFunc(in.Copied, func(copied string) bool { return strings.HasPrefix(copied, file+"/") }) {
		what = "is a directory without a main file"
	}
	return []Finding{MissingStart.found(in.field("cmd"), "the image cannot start: its command is %s, but %s %s: write cmd: [%s, FILE], with a file that is in the source",
		strings.Join(r.Cmd, " "), file, what, r.Cmd[0])}
}
