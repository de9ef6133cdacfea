package migrate

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/lint"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// values are those that several instructions make together.
type values struct {
	packages, buildPackages []string
	byManager               map[string]bool // the package managers of packages
	packageLines            []int
	buildCommands           []string
	buildLines              []int
	optional                map[string][]string // dependencies, by part of the field
	args                    []string            // without a default
	argLines                []int
	env                     map[string]string
	envLines                []int
	expose, volumes         []string
	cmd, entrypoint         []string
	cmdLine, entrypointLine int
	health                  *dockerspec.HealthcheckConfig
	healthLine, userLine    int
}

func (v *values) init() {
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

// foreignDirs returns the directories of a PATH that the image would not have anyway.
func (r *reader) foreignDirs(value string) []string {
	return slices.DeleteFunc(strings.Split(value, ":"), func(dir string) bool {
		return dir == "" || strings.HasPrefix(dir, "$") || strings.HasSuffix(dir, "/.venv/bin") || strings.HasSuffix(dir, "/venv/bin") ||
			strings.HasSuffix(dir, "/node_modules/.bin") || strings.HasSuffix(dir, "/.local/bin") || slices.Contains([]string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}, dir)
	})
}

// prefix is the default of the field of this name.
const prefix = "/agent"

// moved returns a path in the image of the Dockerfile as it is in rtbuild's. Other texts stay as they are.
func (r *reader) moved(text string) string {
	code := r.directory()
	if code == "" || code == "/" {
		return text
	}
	if rest, below := strings.CutPrefix(text, code); below && (rest == "" || rest[0] == '/') {
		return prefix + "/code" + rest
	}
	return text
}

// directory returns the directory that holds the project.
func (r *reader) directory() string {
	if r.stage.code != "" || r.workdir == "/" {
		return r.stage.code
	}
	return r.workdir
}

// finish sets the fields that several instructions make.
func (r *reader) finish() {
	r.finishPackages()
	r.finishDependencies()
	if len(r.args) > 0 && len(r.buildCommands) > 0 { // else no command sees them
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
	if n := len(r.buildCommands); n > 0 {
		run := any(strings.Join(r.buildCommands, " && "))
		if words := strings.Fields(r.buildCommands[0]); n == 1 && len(words) == 3 && words[1] == "run" {
			run = words
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

// finishUser sets the user. A Dockerfile without USER runs as root, and so does one that ends with USER root.
func (r *reader) finishUser() {
	name, group, _ := strings.Cut(r.user, ":")
	why := "USER, line " + strconv.Itoa(r.userLine) + " of " + r.source
	id, err := strconv.Atoi(name)
	switch {
	case name == "":
		r.notes = append(r.notes, "it sets no USER, so its containers run as root. Here they run as agent; user: root keeps root.")
	case name == runtimefile.RootUser, err == nil && id == 0:
		r.set("user", runtimefile.RootUser, why)
	case err == nil:
		user := map[string]int{"uid": id, "gid": id}
		if gid, err := strconv.Atoi(group); err == nil && gid > 0 {
			user["gid"] = gid
		}
		r.set("user", user, why)
	default:
		user := map[string]any{"name": name}
		if id := r.users[name]; id > 0 {
			user["uid"] = id
		}
		r.set("user", user, why)
	}
}

// check returns the value of healthcheck.
func (r *reader) check() any {
	if slices.Equal(r.health.Test, []string{"NONE"}) {
		return "none"
	}
	value := map[string]any{"run": r.health.Test[1:]}
	if r.health.Test[0] == "CMD-SHELL" {
		value["run"] = strings.Join(r.health.Test[1:], " ")
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
	code := r.directory()
	words = slices.Clone(words)
	for i, word := range words {
		if code == "" || code == "/" {
			break
		}
		if rest, below := strings.CutPrefix(word, code+"/"); below && path.Clean(rest) == rest && r.workdir == code {
			words[i] = rest
			if i == 0 {
				words[i] = "./" + rest
			}
			continue
		}
		words[i] = r.moved(word)
	}
	return words
}
