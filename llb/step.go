package llb

import (
	"cmp"
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Secret ids that every step offers to the tools that read them. All are optional: a secret that is not given leaves no
// mount behind, and the cache key is the same with and without.
const (
	SecretCA      = "rtbuild-ca" // PEM bundle: the host's and --ca-file
	SecretNPMRC   = "npmrc"
	SecretNetrc   = "netrc"
	SecretPipConf = "pip.conf"
	SecretAptAuth = "apt-auth"
)

const (
	caPath      = "/run/secrets/" + SecretCA
	aptConfPath = "/tmp/rtbuild-apt.conf" // below the tmpfs of every step
)

// prologue makes the private CA known to what a step may run. It is constant, so that it is the same in every cache key.
// The variables are those that OpenSSL, curl, git, Python's requests and pip, Node.js and Cargo document; apt has none
// and reads a file.
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

// inputs is where a step finds the files that it is given.
const inputs = "/run/rtbuild"

// step runs a shell script on the image. Nothing of /tmp, of secrets or of the caches it mounts stays in the layer.
func (g *Graph) step(stage, name, field string, as profileUser, script string, opts ...llb.RunOption) Layer {
	return Layer{Stage: stage, Name: name, Field: field, draw: func(at canvas, labels ...llb.ConstraintsOpt) llb.State {
		return g.run(at.on, command{stage, name, script, as}, labels, opts...).Root()
	}}
}

// made gives a directory as a script, run as root on a state, fills it: one layer on nothing, to be merged. All else that the
// script writes is lost.
func (g *Graph) made(on llb.State, stage, name, dir, script string, opts ...llb.RunOption) llb.State {
	empty := llb.Scratch().File(g.inDir(dir), named(stage, "make "+dir))
	full := g.run(on, command{stage, name, script, asRoot()}, []llb.ConstraintsOpt{named(stage, name)}, opts...).AddMount(dir, empty, llb.SourcePath(dir))
	return llb.Diff(empty, full, named(stage, "take "+dir))
}

// command is a script that a step runs.
type command struct {
	stage, name string
	script      string
	as          profileUser
}

// scriptDir is where a step finds its script. It lies below the tmpfs of every step, so that no layer shows a trace of the mount. The dot
// keeps it out of what "rm /tmp/*" names.
const scriptDir = "/tmp/.rtbuild"

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.]+`)

// file is the name of the command's script: the step's name, so that the builder's error says which step failed.
func (c command) file() string {
	name := strings.Trim(notInNames.ReplaceAllString(c.name, "-"), "-.")
	return cmp.Or(strings.TrimRight(name[:min(len(name), 60)], "-."), "step")
}

var scriptFile = regexp.MustCompile(regexp.QuoteMeta(scriptDir) + `/([A-Za-z0-9.-]+)`)

// FailedStep finds in the text of a builder's error which step failed: "npm-ci" for the step "npm ci". It is empty if the text names none.
func FailedStep(text string) string {
	if m := scriptFile.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// mount has the step run the script, as a file. As an argument, it would stand in the builder's errors and logs.
func (c command) mount() llb.RunOption {
	file := llb.Scratch().File(llb.Mkfile("/"+c.file(), 0o555, []byte(prologue+c.script)), llb.WithCustomName("[internal] script of "+c.name))
	return llb.AddMount(scriptDir, file, llb.Readonly)
}

func (g *Graph) run(s llb.State, c command, labels []llb.ConstraintsOpt, opts ...llb.RunOption) llb.ExecState {
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
	if g.NoCache != nil && g.NoCache(c.stage) {
		run = append(run, llb.IgnoreCache)
	}
	run = append(run, g.Steps...)
	return s.Run(append(run, opts...)...)
}

// mounted gives a step files to read. They are drawn with the step.
func mounted(target string, files func() llb.State) llb.RunOption {
	return drawnMount{target, files}
}

type drawnMount struct {
	target string
	files  func() llb.State
}

// SetRunOption implements llb.RunOption.
func (m drawnMount) SetRunOption(ei *llb.ExecInfo) {
	llb.AddMount(m.target, m.files(), llb.Readonly).SetRunOption(ei)
}

// profileUser is who a step runs as: the name decides, HOME is where installers look for their settings.
type profileUser struct{ name, home string }

// SetRunOption implements llb.RunOption.
func (u profileUser) SetRunOption(ei *llb.ExecInfo) {
	ei.State = ei.State.User(u.name).AddEnv("HOME", u.home)
}

func asRoot() profileUser { return profileUser{"root", "/root"} }

// user is the user of the runtime.
func (g *Graph) user() profileUser {
	if g.Runtime.User.Name == "root" {
		return asRoot()
	}
	return profileUser{g.Runtime.User.Name, "/home/" + g.Runtime.User.Name}
}

// secretFile offers a secret where a tool reads it.
func secretFile(target, id string) llb.RunOption {
	return llb.AddSecret(target, llb.SecretID(id), llb.SecretOptional, llb.SecretFileOpt(0, 0, 0o444))
}

// agent offers the user's SSH agent, for dependencies that are fetched from repositories. The socket is for any user: whose
// ids a step has is not known before it runs.
func agent() llb.RunOption {
	return llb.AddSSHSocket(llb.SSHSocketOpt("/run/buildkit/ssh_agent.0", 0, 0, 0o666), llb.SSHOptional)
}

// parents lists the directories that lead to dir, dir included, from the top.
func parents(dir string) []string {
	var all []string
	for d := path.Clean(dir); d != "/" && d != "."; d = path.Dir(d) {
		all = append([]string{d}, all...)
	}
	return all
}

// Secrets are the ids of all secrets that some step offers to its tools.
func Secrets() []string {
	return []string{SecretCA, SecretNPMRC, SecretNetrc, SecretPipConf, SecretAptAuth}
}
