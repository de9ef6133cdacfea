package llb

import (
	"fmt"
	"strings"
)

// shells is what shells start with: the image's environment, which a login does not keep, micromamba's environment, and where the
// agent's interpreter and browser are. The interpreter's place is known when Poetry has chosen it.
func (g *Graph) shells() Layer {
	script := "set -- " + g.Runtime.Prefix + `/poetry/*/bin/python
interpreter=$1
if [ $# != 1 ] || [ ! -x "$interpreter" ]; then
  echo "there is not one Python environment below ` + g.Runtime.Prefix + `/poetry, but: $*" >&2
  exit 1
fi
cat > /tmp/environment <<'EOF'
` + g.environmentFile() + `EOF
echo "OH_INTERPRETER_PATH=$interpreter" >> /tmp/environment
touch /etc/environment
cut -d= -f1 /tmp/environment | sed 's/.*/^&=/' > /tmp/names
grep -v -f /tmp/names /etc/environment > /tmp/rest || true
cat /tmp/rest /tmp/environment > /etc/environment
cat > /tmp/start <<'EOF'
` + g.startFile() + `EOF
start() { # start FILE: before what is there, since Debian's files end early for shells without a terminal
  touch "$1"
  sed '/^# rtbuild begin$/,/^# rtbuild end$/d' "$1" > /tmp/rest
  cat /tmp/start /tmp/rest > "$1"
}
start /etc/bash.bashrc
`
	for _, home := range g.homes() {
		script += "start " + home.dir + "/.bashrc\n"
		if g.Runtime.Components["browser"] {
			script += fmt.Sprintf("install -d -m 0755 %[1]s/.cache\nln -sfn %[2]s %[1]s/.cache/ms-playwright\n", home.dir, browsersDir)
			script += fmt.Sprintf("chown -h %[2]d:%[3]d %[1]s/.cache %[1]s/.cache/ms-playwright\n", home.dir, home.owner.UID, home.owner.GID)
		}
		script += fmt.Sprintf("chown %[2]d:%[3]d %[1]s/.bashrc\n", home.dir, home.owner.UID, home.owner.GID)
	}
	return g.step("deps", "set what shells start with", "profile", asRoot(), script)
}

// environmentFile is lines of /etc/environment, which PAM reads.
func (g *Graph) environmentFile() string {
	lines := "PATH=" + g.mambaRoot() + "/bin:" + g.path() + "\n"
	for _, v := range g.Env() {
		if v.Name != "PATH" && !strings.Contains(v.Value, "\n") {
			lines += v.Name + "=" + quoted(v.Value) + "\n"
		}
	}
	if g.Runtime.Components["browser"] {
		lines += "PLAYWRIGHT_BROWSERS_PATH=" + browsersDir + "\n"
	}
	return lines
}

// quoted is a value as both PAM and a shell take it.
func quoted(value string) string {
	if strings.ContainsAny(value, " \t#$&;|<>()*?[]!~`\"\\") {
		return "'" + strings.ReplaceAll(value, "'", "") + "'"
	}
	return value
}

// startFile is lines for Bash's start files.
func (g *Graph) startFile() string {
	root := g.mambaRoot()
	lines := "# rtbuild begin\n"
	if g.Runtime.Components["browser"] {
		lines += "export PLAYWRIGHT_BROWSERS_PATH=" + browsersDir + "\n"
	}
	return lines + `export PATH="` + g.Runtime.Prefix + `/bin:/usr/bin:/bin:/usr/sbin:/sbin:` + root + `/bin:$PATH"
export MAMBA_ROOT_PREFIX=` + root + `
eval "$(` + root + `/bin/micromamba shell hook --shell bash)"
micromamba activate ` + environment + ` 2>/dev/null || true
# rtbuild end
`
}

// home is where a user's shells look for their start files.
type home struct {
	dir   string
	owner Owner
}

// homes are those of root and of the runtime's user.
func (g *Graph) homes() []home {
	all := []home{{dir: "/root"}}
	if u := g.user(); u.name != "root" {
		all = append(all, home{u.home, g.Owner})
	}
	return all
}
