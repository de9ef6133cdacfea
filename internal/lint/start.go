package lint

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// mainFiles lists by interpreter what follows the name of a program's file or directory. Node's rules are those of require.
var mainFiles = map[string][]string{
	"node":    {"", ".js", ".json", ".node", "/index.js", "/index.json", "/index.node", "/package.json"},
	"python":  {"", "/__main__.py"},
	"python3": {"", "/__main__.py"},
}

// nodeSwitch matches options of Node.js that take no further word, and do not load a file.
var nodeSwitch = regexp.MustCompile(`^--(enable-source-maps|(no|trace|experimental|abort|force|pending|preserve)-[a-z-]+|[a-z-]+size=\d+)$`)

// missingProgram finds a command that is a program of a development dependency, which the image does not have.
func (in Input) missingProgram(program string) []Finding {
	r := in.Runtime
	data, ok := in.read(path.Join(in.Runtime.Directory, packageJSON))
	if r.Profile != "node" || r.Dependencies.Manager == "none" || r.Dependencies.Env["NODE_ENV"] != "" || !ok {
		return nil
	}
	var manifest struct{ Dependencies, OptionalDependencies, DevDependencies map[string]any }
	if json.Unmarshal(bytes.TrimPrefix(data, []byte("\uFEFF")), &manifest) != nil {
		return nil // other code reports an invalid manifest
	}
	if manifest.DevDependencies[program] == nil || manifest.Dependencies[program] != nil || manifest.OptionalDependencies[program] != nil {
		return nil
	}
	return []Finding{MissingStart.found(in.field("cmd"), "the image cannot start: its command is %[1]s, a development dependency, and those are not installed: "+
		"move %[1]s to dependencies and update the lock file, or compile the program by build", program)}
}

// missingStart finds a command that runs a file of the source that the image will not have. A command with an option, another directory, a
// build command or an extra step may find its file elsewhere.
func missingStart(in Input) []Finding {
	r := in.Runtime
	command := slices.Concat(r.Entrypoint, r.Cmd)
	if len(command) == 0 {
		return nil
	}
	if finding := in.missingProgram(command[0]); finding != nil {
		return finding
	}
	if in.Copied == nil || r.Extra != "" || r.Build != nil || r.Workdir != "" && r.Workdir != r.Home() {
		return nil
	}
	file, ends := startFile(r, command)
	if file == "" || slices.ContainsFunc(ends, func(end string) bool { return slices.Contains(in.Copied, path.Clean(file+end)) }) {
		return nil
	}
	what := "is not among the files of the image"
	if slices.ContainsFunc(in.Copied, func(copied string) bool { return strings.HasPrefix(copied, file+"/") }) {
		what = "is a directory without a main file"
	}
	advice := "cmd: [FILE]"
	if len(ends) > 1 {
		advice = "cmd: [" + command[0] + ", FILE]"
	}
	return []Finding{MissingStart.found(in.field("cmd"), "the image cannot start: its command is %s, but %s %s: write %s, with a file that is in the source",
		strings.Join(command, " "), file, what, advice)}
}

// startFile returns the file of the source that a command runs, relative to the project, and what may follow its name. It returns "" if
// the command runs another file, or a program on PATH.
func startFile(r *profile.Runtime, command []string) (file string, ends []string) {
	word := command[0]
	ends, known := mainFiles[word]
	words := slices.DeleteFunc(slices.Clone(command[1:]), nodeSwitch.MatchString)
	switch {
	case known && len(words) > 0 && !strings.HasPrefix(words[0], "-"):
		word = words[0]
	case known || !strings.Contains(word, "/"):
		return "", nil
	default:
		ends = []string{""}
	}
	word, inCode := strings.CutPrefix(path.Clean(word), r.Code()+"/")
	if path.IsAbs(word) && !inCode || strings.HasPrefix(word, "node_modules/") || strings.HasPrefix(word, "../") {
		return "", nil
	}
	if !inCode {
		word = path.Join(r.Directory, word)
	}
	return word, ends
}

// noCommand finds a project of which nothing says how it starts. OpenHands starts its images with a command of its own.
func noCommand(in Input) []Finding {
	r := in.Runtime
	if r.Cmd != nil || r.Entrypoint != nil || r.Profile == "" || r.Profile == openhands {
		return nil
	}
	if scripts := r.Scripts(); len(scripts) > 1 {
		return []Finding{NoCommand.found(in.field("cmd"), "the image starts the command of its base, because the project has several scripts: write cmd: [%s]",
			strings.Join(scripts, "], or cmd: ["))}
	}
	return []Finding{NoCommand.found(in.field("cmd"), "nothing says how the project starts, so a container runs the command of the base %s: "+
		"write cmd: [PROGRAM, ARGUMENT], or cmd: [] if every container is given its command", r.Base)}
}

// openhands is the profile whose images are started with a given command.
const openhands = "openhands"
