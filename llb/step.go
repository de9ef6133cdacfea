package llb

import (
	"cmp"
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Ids of the secrets that steps mount for the tools that read them. All are optional: a secret that the user does not give leaves no
// mount, and does not change the cache key.
const (
	SecretCA      = "rtbuild-ca" // PEM bundle: the host's and --ca-file
	SecretNPMRC   = "npmrc"
	SecretYarnRC  = "yarnrc"
	SecretNetrc   = "netrc"
	SecretPipConf = "pip.conf"
	SecretAptAuth = "apt-auth"
)

const (
	caPath      = "/run/secrets/" + SecretCA
	aptConfPath = "/tmp/rtbuild-apt.conf" // below the tmpfs of every step
)

// prologue makes a private CA known to the programs of a step. It is constant, so it is the same in every cache key. It sets the variables
// that OpenSSL, curl, git, Python's requests and pip, Node.js and Cargo document. apt reads no variable but a file.
const prologue = `set -eu
: > ` + aptConfPath + `
if [ -s ` + caPath + ` ]; then
  export SSL_CERT_FILE=` + caPath + ` CURL_CA_BUNDLE=` + caPath + ` GIT_SSL_CAINFO=` + caPath + `
  export REQUESTS_CA_BUNDLE=` + caPath + ` PIP_CERT=` + caPath + ` NODE_EXTRA_CA_CERTS=` + caPath + `
  export CARGO_HTTP_CAINFO=` + caPath + `
  echo 'Acquire::https::CAInfo "` + caPath + `";' >> ` + aptConfPath + `
fi
export APT_CONFIG=` + aptConfPath + `
`

// inputs is the directory at which a step finds its input files.
const inputs = "/run/rtbuild"

// step returns a layer that runs a shell script on the image. Files in /tmp, in secrets and in mounted caches do not become part of the
// layer.
func (g *Graph) step(stage, name, field string, as profileUser, script string, opts ...llb.RunOption) Layer {
	return Layer{Stage: stage, Name: name, Field: field, draw: func(at layerInput, labels ...llb.ConstraintsOpt) llb.State {
		return g.run(at.below, command{stage, name, script, as}, labels, opts...).Root()
	}}
}

// captureDir runs a script as root on a state and returns only what it writes to dir: one layer on scratch, for merging. Everything else
// that the script writes is lost.
func (g *Graph) captureDir(on llb.State, stage, name, dir, script string, opts ...llb.RunOption) llb.State {
	made := llb.Scratch().File(g.mkdirAll(dir), named(stage, "make "+dir))
	// Making a directory gives the one above it the present time.
	timed := llb.Copy(made, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, CreatedTime: &partTime})
	empty := llb.Scratch().File(timed, named(stage, "make "+dir))
	run := g.run(on, command{stage, name, script, asRoot()}, []llb.ConstraintsOpt{named(stage, name)}, opts...)
	full := run.AddMount(dir, empty, llb.SourcePath(dir))
	return llb.Diff(empty, keyedByRoot(full), append(g.uncached(stage), named(stage, "take "+dir))...)
}

// command is a script that a step runs.
type command struct {
	stage, name string
	script      string
	as          profileUser
}

// scriptDir is the directory at which a step finds its script. It is below the tmpfs of every step, so the mount leaves no trace in the
// layer. Because of the dot, "rm /tmp/*" does not match it.
const scriptDir = "/tmp/.rtbuild"

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// file returns the name of the command's script. It is the step's name, so the builder's error says which step failed.
func (c command) file() string {
	name := strings.Trim(notInNames.ReplaceAllString(c.name, "-"), "-.")
	return cmp.Or(strings.TrimRight(name[:min(len(name), 60)], "-."), "step")
}

var scriptFile = regexp.MustCompile(regexp.QuoteMeta(scriptDir) + `/([A-Za-z0-9.-]+)`)

// FailedStep returns the name of the failed step from the text of a builder's error: "npm-ci" for the step "npm ci". It returns "" if the
// text names none.
func FailedStep(text string) string {
	if m := scriptFile.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// mount mounts the script as a file. An argument would show up in full in the builder's errors and logs.
func (c command) mount() llb.RunOption {
	file := llb.Scratch().File(llb.Mkfile("/"+c.file(), 0o555, []byte(prologue+c.script)), llb.WithCustomName("[internal] script of "+c.name))
	return llb.AddMount(scriptDir, file, llb.Readonly)
}

// run runs a command as a step of a stage. The steps that install dependencies see the variables that are meant for them.
func (g *Graph) run(s llb.State, c command, labels []llb.ConstraintsOpt, opts ...llb.RunOption) llb.ExecState {
	if c.stage == StageDeps || c.stage == StageBuild {
		opts = append([]llb.RunOption{variables(g.Runtime.InstallEnv)}, opts...)
	}
	return g.exec(s, c, labels, opts...)
}

// exec runs a command as a step, with what all steps have in common.
func (g *Graph) exec(s llb.State, c command, labels []llb.ConstraintsOpt, opts ...llb.RunOption) llb.ExecState {
	run := []llb.RunOption{
		llb.Args([]string{"/bin/sh", scriptDir + "/" + c.file()}),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
		c.mount(),
		llb.AddSecret(caPath, llb.SecretID(SecretCA), llb.SecretOptional, llb.SecretFileOpt(0, 0, 0o444)),
		c.as,
	}
	for _, label := range labels {
		run = append(run, label)
	}
	if g.Proxy != nil {
		run = append(run, llb.WithProxy(*g.Proxy))
	}
	for _, opt := range g.uncached(c.stage) {
		run = append(run, opt)
	}
	run = append(run, g.Steps...)
	return s.Run(append(run, opts...)...)
}

// variables sets variables of a step.
type variables map[string]string

// SetRunOption implements llb.RunOption.
func (v variables) SetRunOption(ei *llb.ExecInfo) {
	for _, kv := range byName(v) {
		ei.State = ei.State.AddEnv(kv.Name, kv.Value)
	}
}

// mountLazily mounts files read-only. It draws them only when the step is drawn.
func mountLazily(target string, files func() llb.State, opts ...llb.MountOption) llb.RunOption {
	return lazyMount{target, files, append(opts, llb.Readonly)}
}

type lazyMount struct {
	target string
	files  func() llb.State
	opts   []llb.MountOption
}

// SetRunOption implements llb.RunOption.
func (m lazyMount) SetRunOption(ei *llb.ExecInfo) {
	llb.AddMount(m.target, m.files(), m.opts...).SetRunOption(ei)
}

// profileUser is the user that a step runs as, and its HOME, where installers look for settings.
type profileUser struct{ name, home string }

// SetRunOption implements llb.RunOption.
func (u profileUser) SetRunOption(ei *llb.ExecInfo) {
	ei.State = ei.State.User(u.name).AddEnv("HOME", u.home)
}

func asRoot() profileUser { return profileUser{"root", "/root"} }

// user returns the user of the runtime.
func (g *Graph) user() profileUser {
	if g.Runtime.User.Name == "root" {
		return asRoot()
	}
	return profileUser{g.Runtime.User.Name, "/home/" + g.Runtime.User.Name}
}

// secretFile mounts a secret at the path where a tool reads it.
func secretFile(target, id string) llb.RunOption {
	return llb.AddSecret(target, llb.SecretID(id), llb.SecretOptional, llb.SecretFileOpt(0, 0, 0o444))
}

// agent mounts the user's SSH agent, for dependencies in git repositories. Any user may use the socket, because the step's ids are not
// known before it runs.
func agent() llb.RunOption {
	return llb.AddSSHSocket(llb.SSHSocketOpt("/run/buildkit/ssh_agent.0", 0, 0, 0o666), llb.SSHOptional)
}

// parents returns the directories that lead to dir, from the top, dir included.
func parents(dir string) []string {
	var all []string
	for d := path.Clean(dir); d != "/" && d != "."; d = path.Dir(d) {
		all = append([]string{d}, all...)
	}
	return all
}

// Secrets returns the ids of all secrets that steps mount.
func Secrets() []string {
	return []string{SecretCA, SecretNPMRC, SecretYarnRC, SecretNetrc, SecretPipConf, SecretAptAuth}
}
