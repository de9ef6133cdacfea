package llb

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Shells sets up login and interactive shells: the image's environment, which a login does not keep, micromamba's environment, and the
// paths of the agent's interpreter and browser. Poetry chooses the interpreter's path.
type Shells struct{ Lock PoetryLock }

func (s Shells) layers(g *Graph) (Layers, error) {
	prefix := shellQuote(g.Runtime.Prefix)
	script := "interpreter=" + prefix + `/poetry/$(cat ` + resolvedDir + `/name)/bin/python
` + writeFile("/tmp/environment", g.environmentFile()) + `echo "OH_INTERPRETER_PATH=$interpreter" >> /tmp/environment
touch /etc/environment
cut -d= -f1 /tmp/environment | sed 's/.*/^&=/' > /tmp/names
grep -v -f /tmp/names /etc/environment > /tmp/rest || true
cat /tmp/rest /tmp/environment > /etc/environment
` + writeFile("/tmp/start", g.startFile(*s.Lock.Conda)) + `start() { # start FILE: before what is there, since Debian's files end early for shells without a terminal
  touch "$1"
  sed '/^# rtbuild begin$/,/^# rtbuild end$/d' "$1" > /tmp/rest
  cat /tmp/start /tmp/rest > "$1"
}
start /etc/bash.bashrc
`
	homes := g.homes()
	for _, home := range homes {
		script += g.startsWith(home)
	}
	script += plainPrompt(homes[len(homes)-1])
	return Layers{{Stage: StageDeps, Name: "set what shells start with", Field: "profile", draw: func(at layerInput, labels ...llb.ConstraintsOpt) llb.State {
		c := command{StageDeps, "set what shells start with", script, asRoot()}
		return g.run(at.below, c, labels, s.Lock.resolvedMount(g, at, "env", resolvedDir)).Root()
	}}}, nil
}

// startsWith returns a script that sets up the shells of one user.
func (g *Graph) startsWith(home home) string {
	dir, owner := shellQuote(home.dir), fmt.Sprintf("%d:%d", home.owner.UID, home.owner.GID)
	script := "start " + dir + "/.bashrc\n"
	if has[Browser](g.Runtime.Deps) {
		script += fmt.Sprintf("install -d -m 0755 %[1]s/.cache\nln -sfn %[2]s %[1]s/.cache/ms-playwright\n", dir, browsersDir)
		script += fmt.Sprintf("chown -h %[2]s %[1]s/.cache %[1]s/.cache/ms-playwright\n", dir, owner)
	}
	return script + fmt.Sprintf("chown %s %s/.bashrc\n", owner, dir)
}

// plainPrompt returns a script that does what "micromamba config set changeps1 False" does for a user: activation leaves the prompt as it is.
// The file is the one that micromamba 2 writes.
func plainPrompt(home home) string {
	return fmt.Sprintf(`touch %[1]s
sed -i '/^changeps1:/d' %[1]s
echo 'changeps1: False' >> %[1]s
chown %[2]d:%[3]d %[1]s
`, shellQuote(home.dir+"/.condarc"), home.owner.UID, home.owner.GID)
}

// environmentFile returns the lines of /etc/environment, which PAM reads. It leaves out values that the file cannot express: a wrong value
// is worse than none.
func (g *Graph) environmentFile() string {
	env := []Variable{{"PATH", g.Runtime.mambaRoot() + "/bin:" + g.path()}}
	for _, v := range g.Env() {
		if v.Name != "PATH" {
			env = append(env, v)
		}
	}
	if has[Browser](g.Runtime.Deps) {
		env = append(env, Variable{"PLAYWRIGHT_BROWSERS_PATH", browsersDir})
	}
	var lines strings.Builder
	for _, v := range env {
		if value, ok := pamQuote(v.Value); ok {
			lines.WriteString(v.Name + "=" + value + "\n")
		}
	}
	return lines.String()
}

// pamQuote quotes a value so that both pam_env(8) and a shell read it back unchanged, or returns false if no quoting does. pam_env removes
// the first and the last quote, of either kind, and nothing else. It ends a line at #, even in quotes. A shell expands $ in double quotes.
func pamQuote(value string) (string, bool) {
	switch {
	case strings.ContainsAny(value, "#\n\x00"):
		return "", false
	case value == "" || plainWord.MatchString(value):
		return value, true
	case !strings.Contains(value, "'"):
		return "'" + value + "'", true
	case strings.ContainsAny(value, "\"$`\\"):
		return "", false
	}
	return `"` + value + `"`, true
}

// startFile returns the lines for Bash's start files.
func (g *Graph) startFile(conda Conda) string {
	root := shellQuote(g.Runtime.mambaRoot())
	ours := shellQuote(g.Runtime.Prefix) + "/bin"
	for _, dir := range g.Runtime.Path {
		ours += ":" + shellQuote(dir)
	}
	lines := "# rtbuild begin\n"
	if has[Browser](g.Runtime.Deps) {
		lines += "export PLAYWRIGHT_BROWSERS_PATH=" + browsersDir + "\n"
	}
	return lines + "export PATH=" + ours + ":" + root + `/bin:"$PATH"
export MAMBA_ROOT_PREFIX=` + root + `
eval "$(` + root + `/bin/micromamba shell hook --shell bash)"
micromamba activate ` + shellQuote(conda.Name) + ` 2>/dev/null || true
# rtbuild end
`
}

// home is a home directory and its owner.
type home struct {
	dir   string
	owner Owner
}

// homes returns the home directories of root and the runtime's user.
func (g *Graph) homes() []home {
	all := []home{{dir: "/root"}}
	if u := g.user(); u.name != "root" {
		all = append(all, home{u.home, g.Owner})
	}
	return all
}
