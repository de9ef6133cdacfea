package llb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// makeUser returns the layer that makes the user and its directories. The image's labels record the user's ids, so later builds need not
// read the image.
func (g *Graph) makeUser() Layer {
	name, code := g.Runtime.User.Name, g.Runtime.Code()
	if name == "root" && !g.Runtime.User.Sudo {
		return Layer{Stage: StageSystem, Name: "make " + code, Field: "prefix", draw: func(at layerInput, opts ...llb.ConstraintsOpt) llb.State {
			return at.below.File(llb.Mkdir(code, 0o755, llb.WithParents(true)), opts...)
		}}
	}
	var script strings.Builder
	if name != "root" {
		script.WriteString(g.userScript())
	}
	if g.Runtime.User.Sudo {
		script.WriteString(g.sudoScript())
	}
	fmt.Fprintf(&script, "install -d -m 0755 %s\ninstall -d -m 0755 -o %d -g %d %s\n",
		shellQuote(g.Runtime.Prefix), g.Owner.UID, g.Owner.GID, shellWords(g.userDirs()))
	for _, d := range g.Runtime.User.Directories {
		if d.Shared {
			fmt.Fprintf(&script, "chmod g+rws,o+rw %s\n", shellQuote(g.Runtime.Prefix+"/"+d.Name))
		}
	}
	// Remove useradd's backups and logs, and the day of the last change from /etc/shadow: they would differ from run to run.
	fmt.Fprintf(&script, "if [ -e /etc/shadow ]; then sed -i -e %s -e %s /etc/shadow; fi\n", shellQuote(noChange("root")), shellQuote(noChange(name)))
	script.WriteString("rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /var/log/lastlog /var/log/faillog\n")
	return g.step(StageSystem, "make user "+name+" and "+code, "user", asRoot(), script.String())
}

// noChange returns a sed command that removes the day of the last change from a user's line of /etc/shadow.
func noChange(name string) string {
	return "s|^\\(" + sedPattern.Replace(name) + "\\):\\([^:]*\\):[0-9][0-9]*:|\\1:\\2::|"
}

// userScript makes the user with the ids that [Accounts.Owner] chose. A user that the base has keeps its ids.
func (g *Graph) userScript() string {
	u := g.Runtime.User
	shell := cmp.Or(u.Shell, "/bin/sh")
	var script strings.Builder
	user, home := shellQuote(u.Name), shellQuote("/home/"+u.Name)
	if _, exists := g.Accounts.user(u.Name); exists {
		if u.Shell != "" {
			fmt.Fprintf(&script, "usermod -s %s -d %s %s\n", shell, home, user)
		}
		fmt.Fprintf(&script, "install -d -m 0755 -o %d -g %d %s\n", g.Owner.UID, g.Owner.GID, home)
		return script.String()
	}
	for _, name := range g.Accounts.leftovers(u) {
		if _, exists := g.Accounts.user(name); exists {
			fmt.Fprintf(&script, "userdel %s\n", shellQuote(name))
		}
		fmt.Fprintf(&script, "if grep -q %s /etc/group; then groupdel %s; fi\n", shellQuote("^"+sedPattern.Replace(name)+":"), shellQuote(name))
	}
	if _, exists := g.Accounts.group(u.Name); !exists {
		fmt.Fprintf(&script, "groupadd -g %d %s\n", g.Owner.GID, user)
	}
	fmt.Fprintf(&script, "useradd -m -N -l -s %s -u %d -g %s %s\n", shell, g.Owner.UID, user, user)
	return script.String()
}

// sudoScript lets root and the user switch to each other without a password: containers start as root and switch to the user, and agents
// install packages.
func (g *Graph) sudoScript() string {
	name := g.Runtime.User.Name
	script := `passwd -d root
if [ -e /etc/pam.d/su ]; then
  sed -i -e '/pam_rootok\.so/d' /etc/pam.d/su
  sed -i -e '1i auth sufficient pam_rootok.so' /etc/pam.d/su
fi
`
	if name == "root" {
		return script
	}
	rule := shellQuote("/etc/sudoers.d/" + name)
	return script + fmt.Sprintf(`grep -q '^sudo:' /etc/group || groupadd -r sudo
usermod -aG sudo %[1]s
passwd -d %[1]s
[ -d /etc/sudoers.d ] || install -d -m 0750 /etc/sudoers.d
%[2]schmod 0440 %[3]s
`, shellQuote(name), writeFile(rule, name+" ALL=(ALL) NOPASSWD:ALL\n"), rule)
}

// userDirs returns the directories that the user owns and its steps write to, sorted.
func (g *Graph) userDirs() []string {
	r := g.Runtime
	dirs := []string{r.Code()}
	if r.User.OwnsPrefix {
		dirs = append(dirs, r.Prefix)
	}
	for _, d := range r.User.Directories {
		dirs = append(dirs, r.Prefix+"/"+d.Name)
	}
	if r.Installer != nil {
		dirs = append(dirs, r.Installer.dirs(r)...)
	}
	slices.Sort(dirs)
	return dirs
}
