package llb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// system is the stage that makes the base usable: packages, the user, the runtime's directories.
func (g *Graph) system() (Layers, error) {
	packages, err := g.packages()
	if err != nil {
		return nil, err
	}
	var layers Layers
	if len(packages) > 0 {
		layers = append(layers, g.apt(packages))
	}
	return append(layers, g.makeUser()), nil
}

// packages are the names that the distribution's package manager is asked for, sorted and unique.
func (g *Graph) packages() ([]string, error) {
	names := slices.Concat(g.Runtime.Packages[""], g.Runtime.Packages[g.Distro.Manager])
	needed, err := g.interpreterPackages()
	names = append(names, needed...)
	slices.Sort(names)
	return slices.Compact(names), err
}

// apt installs Debian and Ubuntu packages. Lists and archives live in cache mounts alone. What would differ from run to
// run (logs, ldconfig's cache of inodes) is removed.
func (g *Graph) apt(packages []string) Layer {
	// The base images of Docker Hub delete archives after each install; that would empty the cache that we share.
	const keep = `cat >> "$APT_CONFIG" <<'EOF'
#clear DPkg::Post-Invoke;
#clear APT::Update::Post-Invoke;
Binary::apt::APT::Keep-Downloaded-Packages "true";
APT::Keep-Downloaded-Packages "true";
Acquire::Retries "3";
EOF
export DEBIAN_FRONTEND=noninteractive
`
	const clean = `rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log
rm -f /var/cache/ldconfig/aux-cache /var/lib/dpkg/*-old /var/cache/debconf/*-old
`
	script := keep + "apt-get -qq update\n" +
		"apt-get -qq install -y --no-install-recommends " + strings.Join(packages, " ") + "\n" + clean
	id := []string{g.Distro.ID, g.Distro.Release, g.Platform.Architecture}
	return g.step("system", "install "+strings.Join(packages, " "), "packages", asRoot(), script,
		g.cache("/var/cache/apt", llb.CacheMountLocked, append([]string{"apt-archives"}, id...)...),
		g.cache("/var/lib/apt/lists", llb.CacheMountLocked, append([]string{"apt-lists"}, id...)...),
		secretFile("/etc/apt/auth.conf.d/rtbuild.conf", SecretAptAuth))
}

// makeUser makes the user and the directories that belong to it. If its id is taken, the next free one is used: the
// image's labels say which, so that later builds need not look into the image.
func (g *Graph) makeUser() Layer {
	u, code := g.Runtime.User, g.Runtime.Code()
	if u.Name == "root" {
		return g.step("system", "make "+code, "prefix", asRoot(), fmt.Sprintf("install -d -m 0755 %s\n", code))
	}
	script := fmt.Sprintf(`name=%s uid=%d gid=%d
free() { # free DATABASE ID: the first id from ID on that is in no entry
  id=$2
  while cut -d: -f3 "$1" | grep -qx "$id"; do id=$((id + 1)); done
  echo "$id"
}
grep -q "^$name:" /etc/group || groupadd -g "$(free /etc/group "$gid")" "$name"
grep -q "^$name:" /etc/passwd || useradd -m -N -l -s /bin/sh -u "$(free /etc/passwd "$uid")" -g "$name" "$name"
install -d -m 0755 %s
install -d -m 0755 -o "$name" -g "$name" %s
rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /var/log/lastlog /var/log/faillog
`, u.Name, u.UID, u.GID, g.Runtime.Prefix, strings.Join(g.userDirs(), " "))
	return g.step("system", "make user "+u.Name+" and "+code, "user", asRoot(), script)
}

// userDirs are the directories below the prefix that belong to the user: what the user's own steps write to.
func (g *Graph) userDirs() []string {
	if g.Runtime.Dependencies.Manager == "pip" {
		return []string{g.Runtime.Code(), g.venv()}
	}
	return []string{g.Runtime.Code()}
}
