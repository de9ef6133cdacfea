package migrate

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/lint"
)

// values are those that several instructions make together.
type values struct {
	packages, buildPackages []string
	byManager               map[string]bool // the package managers of packages
	packageLines            []int
	build                   []buildCommand
	buildLines              []int
	optional                map[string][]string // dependencies, by part of the field
	args                    []string            // without a default
	argLines                []int
	env                     map[string]string
	envLines                []int
	buildEnv, installEnv    map[string]string
	expose, volumes         []string
	cmd, entrypoint         []string
	cmdLine, entrypointLine int
	interpreter             string // the base's entrypoint
	health                  *dockerspec.HealthcheckConfig
	volumeLines             []int
	userLeft                bool // USER is no constant
	healthLine, userLine    int
}

func (v *values) init() {
	v.buildEnv, v.installEnv = map[string]string{}, map[string]string{}
	v.env, v.byManager, v.optional = map[string]string{}, map[string]bool{}, map[string][]string{}
}

// onlyForBuilds are beginnings of names of variables that only installers read. rtbuild's steps have their own.
var onlyForBuilds = []string{"DEBIAN_FRONTEND", "PIP_", "UV_", "POETRY_", "PIPX_", "NPM_CONFIG_", "npm_config_", "YARN_", "PNPM_HOME", "VIRTUAL_ENV", "COREPACK_", "NODE_VERSION", "NVM_", "PYTHON_VERSION"}

// predefined are the build arguments that BuildKit sets.
var predefined = []string{
	"TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "TARGETSTAGE", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT",
	"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY",
}

// environment adds variables. A variable of an earlier stage counts for its commands only.
func (r *reader) environment(c *instructions.EnvCommand) string {
	reason := ""
	for _, pair := range c.Env {
		r.vars[pair.Key] = pair.Value
		switch {
		case !r.final && lint.LooksSecret(pair.Key, pair.Value):
			reason = "a build records variables: " + byFile
		case lint.ForInstallation(pair.Key) && !lint.LooksSecret(pair.Key, pair.Value):
			r.forInstallation(pair.Key, pair.Value)
			r.done = append(r.done, r.line)
		case !r.final, slices.ContainsFunc(onlyForBuilds, func(p string) bool { return strings.HasPrefix(pair.Key, p) }):
			r.done = append(r.done, r.line)
		case pair.Key == "PATH":
			if dirs := r.foreignDirs(pair.Value); len(dirs) > 0 {
				reason = "PATH cannot be set, and has the programs of the dependencies anyway; call others by their paths"
			}
		case lint.LooksSecret(pair.Key, pair.Value):
			reason = "everybody who can pull the image could read " + pair.Key + ": pass it to the agent at run time"
		default:
			r.env[pair.Key] = pair.Value
			r.envLines = append(r.envLines, r.line)
		}
	}
	return reason
}

// ownSettings match variables of installers that rtbuild's steps set themselves, and those that change nothing of what is installed.
var ownSettings = regexp.MustCompile(`(?i)^(PIP_(NO_CACHE_DIR|CACHE_DIR|DISABLE_PIP_VERSION_CHECK|ROOT_USER_ACTION|NO_INPUT|(DEFAULT_)?TIMEOUT|RETRIES|PROGRESS_BAR|NO_WARN_SCRIPT_LOCATION|VERSION)|` +
	`UV_(LINK_MODE|COMPILE_BYTECODE|CACHE_DIR|NO_CACHE|NO_DEV|NO_SYNC|NO_PROGRESS|PYTHON.*|PROJECT_ENVIRONMENT|FROZEN|LOCKED|HTTP_TIMEOUT)|` +
	`POETRY_(NO_INTERACTION|VIRTUALENVS_.*|CACHE_DIR|HOME|VERSION|INSTALLER_.*)|NPM_CONFIG_(CACHE|LOGLEVEL|UPDATE_NOTIFIER|FUND|AUDIT|PROGRESS|COLOR|PREFIX|YES)|` +
	`YARN_(CACHE_FOLDER|VERSION|ENABLE_(TELEMETRY|PROGRESS_BARS|GLOBAL_CACHE)))$`)

// forInstallation adds a variable of the steps that install the dependencies.
func (r *reader) forInstallation(name, value string) {
	if !ownSettings.MatchString(name) {
		r.installEnv[name] = r.moved(value)
	}
}

// forBuild adds the variables that a build command sees.
func (r *reader) forBuild() {
	for name, value := range r.vars {
		if name != "PATH" && !lint.ForInstallation(name) && !lint.LooksSecret(name, value) &&
			!slices.ContainsFunc(onlyForBuilds, func(p string) bool { return strings.HasPrefix(name, p) }) {
			r.buildEnv[name] = r.moved(value)
		}
	}
}

// foreignDirs returns the directories of a PATH that the image would not have anyway.
func (r *reader) foreignDirs(value string) []string {
	return slices.DeleteFunc(strings.Split(value, ":"), func(dir string) bool {
		return dir == "" || strings.HasPrefix(dir, "$") || strings.HasSuffix(dir, "/.venv/bin") || strings.HasSuffix(dir, "/venv/bin") ||
			strings.HasSuffix(dir, "/node_modules/.bin") || strings.HasSuffix(dir, "/.local/bin") || slices.Contains([]string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}, dir)
	})
}

// prefix is the default of the field of this name.
const prefix = "/agent"

// moved returns a text with the paths of the Dockerfile's image as they are in rtbuild's.
func (r *reader) moved(text string) string {
	code := r.directory()
	if code == "" || code == "/" {
		return text
	}
	var all strings.Builder
	for done := 0; ; {
		i := strings.Index(text[done:], code)
		if i < 0 {
			return all.String() + text[done:]
		}
		begin, end := done+i, done+i+len(code)
		all.WriteString(text[done:begin])
		if (begin == 0 || strings.ContainsAny(text[begin-1:begin], around)) && (end == len(text) || strings.ContainsAny(text[end:end+1], "/"+around)) {
			all.WriteString(prefix + "/code")
		} else {
			all.WriteString(code)
		}
		done = end
	}
}

// around are the characters that may stand beside a path.
const around = " \t\n=:,;'\"()&|<>"

// directory returns the directory that holds the project.
func (s *stage) directory() string {
	if s.code != "" || s.workdir == "/" {
		return s.code
	}
	return s.workdir
}

// finish sets the fields that several instructions make.
func (r *reader) finish() {
	r.finishPackages()
	r.finishDependencies()
	if len(r.args) > 0 && len(r.build) > 0 { // else no command sees them
		r.set("args", slices.Compact(slices.Sorted(slices.Values(r.args))), r.whyLines("ARG", r.argLines))
	}
	for name, value := range r.env {
		r.env[name] = r.moved(value)
	}
	if len(r.env) > 0 {
		r.set("env", maps.Clone(r.env), r.whyLines("ENV", r.envLines))
	}
	r.finishStart()
	r.finishUser()
	if r.health != nil {
		r.set("healthcheck", r.check(), "HEALTHCHECK, line "+strconv.Itoa(r.healthLine))
	}
	for i, volume := range r.volumes {
		r.volumes[i] = r.moved(volume)
	}
	if slices.Sort(r.volumes); len(r.volumes) > 0 {
		r.set("volumes", slices.Compact(r.volumes), r.whyLines("VOLUME", r.volumeLines))
	}
	if code := r.directory(); r.workdir != "/" && r.workdir != code {
		r.set("workdir", r.moved(r.workdir), "the last WORKDIR")
	}
}

// whyLines returns the reason for a field that several lines make.
func (r *reader) whyLines(instruction string, lines []int) string {
	text := ranges(slices.Clone(lines))
	if strings.ContainsAny(text, ",-") {
		return instruction + ", lines " + text + " of " + r.source
	}
	return instruction + ", line " + text + " of " + r.source
}

// finishPackages sets packages and build. Packages of the image are not named again for the build.
func (r *reader) finishPackages() {
	build := map[string]any{}
	if len(r.packages) > 0 {
		slices.Sort(r.packages)
		r.set("packages", slices.Compact(r.packages), r.whyLines("installed", r.packageLines))
	}
	more := slices.DeleteFunc(slices.Clone(r.buildPackages), func(name string) bool { return slices.Contains(r.packages, name) })
	if slices.Sort(more); len(more) > 0 {
		build["packages"] = slices.Compact(more)
	}
	if len(r.build) > 0 {
		run := r.buildRun()
		if len(r.buildEnv) > 0 {
			build["env"] = r.buildEnv
		}
		if len(build) == 0 {
			r.set("build", run, r.whyLines("RUN", r.buildLines))
			return
		}
		build["run"] = run
	}
	if len(build) > 0 {
		r.set("build", build, "packages and commands of stages that build")
	}
}

// buildRun returns the command of the build: words or, for several commands, a line for the shell.
func (r *reader) buildRun() any {
	if len(r.build) == 1 && !r.build[0].set {
		return r.build[0].words
	}
	var all []string
	for _, c := range r.build {
		all = append(all, c.line)
	}
	return strings.Join(all, " && ")
}

// check returns the value of healthcheck.
func (r *reader) check() any {
	if slices.Equal(r.health.Test, []string{"NONE"}) {
		return "none"
	}
	value := map[string]any{"run": r.health.Test[1:]}
	if r.health.Test[0] == "CMD-SHELL" {
		value["run"] = r.movedLine(strings.Join(r.health.Test[1:], " "))
	} else {
		value["run"] = r.movedWords(r.health.Test[1:])
	}
	for name, d := range map[string]time.Duration{
		"interval": r.health.Interval, "timeout": r.health.Timeout, "startPeriod": r.health.StartPeriod, "startInterval": r.health.StartInterval,
	} {
		if d > 0 {
			value[name] = d.String()
		}
	}
	if r.health.Retries > 0 {
		value["retries"] = r.health.Retries
	}
	return value
}

// movedWords returns the words of a command as they are in rtbuild's image. Files of the project are relative to its directory, which
// is the working directory.
func (r *reader) movedWords(words []string) []string {
	words = slices.Clone(words)
	for i, word := range words {
		if i > 0 && strings.HasPrefix(words[i-1], "-") { // a module of --require is a path only if it looks like one
			words[i] = r.movedLine(word)
			continue
		}
		if words[i] = r.movedWord(word); i == 0 && words[i] != word && !path.IsAbs(words[i]) {
			words[i] = "./" + words[i]
		}
	}
	return words
}

func (r *reader) movedWord(word string) string {
	if strings.Contains(word, " ") {
		return r.movedLine(word)
	}
	code := r.directory()
	home := r.workdir == code || r.workdir == "/"
	if file := r.fileOf(word); file != "" {
		if home {
			return file
		}
		return prefix + "/code/" + file
	}
	if rest, below := strings.CutPrefix(word, code+"/"); below && code != "" && code != "/" && path.Clean(rest) == rest && home {
		return rest
	}
	return r.moved(word)
}

// fileOf returns the place in the project of a file that a word names, or "" if it names none that is known to be moved.
func (r *reader) fileOf(word string) string {
	if strings.HasPrefix(word, "-") || !path.IsAbs(word) && !slices.Contains([]string{".js", ".mjs", ".cjs", ".json", ".py", ".sh"}, path.Ext(word)) {
		return ""
	}
	return r.find(absolute(r.workdir, word))
}

// movedLine returns a line for a shell. The shell may change its directory, so files have absolute paths.
func (r *reader) movedLine(line string) string {
	parts := strings.Split(line, " ")
	for i, part := range parts {
		if file := r.fileOf(part); file != "" {
			parts[i] = prefix + "/code/" + file
		}
	}
	return r.moved(strings.Join(parts, " "))
}
