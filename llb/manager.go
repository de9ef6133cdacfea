package llb

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// PackageManager describes how a family of distributions installs packages: data and a script.
type PackageManager struct {
	Name     string
	Programs []string // the base must have one of them
	Sources  []string // the files and directories that configure its package repositories
	accounts []string // the packages with useradd and groupadd, which a base may lack

	// install is a script that installs the packages that its arguments name, and deletes lists and archives. $sources is empty, or a
	// directory with a copy of Sources, under their base names, in which mirrors replace addresses.
	install string
	caches  []cacheDir
	secrets []secret
}

// cacheDir is a cache mount of a package manager. If the manager checks the files before it uses them, all bases of one publisher share the
// cache. Otherwise only steps on one base image do.
type cacheDir struct {
	target, name string
	checked      bool
}

// secret is a secret that a package manager reads as a file.
type secret struct{ target, id string }

// managers are the package managers that rtbuild knows, with the os-release ids of their distributions.
var managers = []struct {
	ids     []string
	manager PackageManager
}{
	{[]string{"debian", "ubuntu"}, PackageManager{
		Name: "apt", Programs: []string{"/usr/bin/apt-get"},
		Sources: []string{"/etc/apt/sources.list", "/etc/apt/sources.list.d"},
		install: aptScript,
		caches:  []cacheDir{{aptArchives, "apt-archives", true}, {"/var/lib/apt/lists", "apt-lists", false}},
		secrets: []secret{{"/etc/apt/auth.conf.d/rtbuild.conf", SecretAptAuth}},
	}},
	{[]string{"alpine", "wolfi", "chainguard"}, PackageManager{
		Name: "apk", Programs: []string{"/sbin/apk", "/usr/bin/apk"}, accounts: []string{"shadow"},
		Sources: []string{"/etc/apk/repositories"},
		install: apkScript,
		caches:  []cacheDir{{"/var/cache/apk", "apk", false}},
	}},
	{[]string{"fedora", "rhel", "centos", "amzn", "ol", "azurelinux", "mariner"}, PackageManager{
		Name: "dnf", Programs: []string{"/usr/bin/dnf", "/usr/bin/microdnf", "/usr/bin/yum"}, accounts: []string{"shadow-utils"},
		Sources: []string{"/etc/yum.repos.d"},
		install: dnfScript,
		caches:  []cacheDir{{"/var/cache/dnf", "dnf", false}, {"/var/cache/libdnf5", "dnf5", false}},
	}},
	{[]string{"opensuse", "suse", "sles"}, PackageManager{
		Name: "zypper", Programs: []string{"/usr/bin/zypper"}, accounts: []string{"shadow"},
		Sources: []string{"/etc/zypp/repos.d"},
		install: zypperScript,
		caches:  []cacheDir{{"/var/cache/zypp", "zypp", false}},
	}},
}

const apkScript = `apk add --cache-dir /var/cache/apk ${sources:+--repositories-file "$sources/repositories"} "$@"
rm -f /var/log/apk.log
`

// dnfScript uses options that microdnf and yum know, too. Two are only for dnf, and match what apt does: fetch the newest lists, and
// replace conflicting packages of the base (coreutils-single by coreutils). librepo reads no CA variable. dnf 5 ignores cachedir and keeps
// archives in its own directory. dnf's history contains dates, so it is deleted.
const dnfScript = rpmTime + `for dnf in dnf microdnf yum; do
  if command -v "$dnf" >/dev/null; then break; fi
done
flags=
if [ "$dnf" = dnf ]; then flags='--refresh --allowerasing'; fi
"$dnf" -y $flags ${sources:+--setopt=reposdir="$sources/yum.repos.d"} ${SSL_CERT_FILE:+--setopt=sslcacert="$SSL_CERT_FILE"} \
  --setopt=cachedir=/var/cache/dnf --setopt=keepcache=1 --setopt=install_weak_deps=0 --setopt=tsflags=nodocs install "$@"
rm -rf /var/log/dnf* /var/log/yum.log /var/log/hawkey.log /var/lib/dnf /usr/lib/sysimage/libdnf5/transaction_history.sqlite*
` + rpmIndex

// zypperScript refreshes lists explicitly, because zypper trusts cached ones. It does not refresh services, which would overwrite the
// addresses of mirrors. Exit codes 102 and 103 ask for a restart, which is no failure in an image. Repository keys come with the base:
// zypper imports none that a repository offers.
const zypperScript = rpmTime + zypperCA + `zypper() {
  command zypper --non-interactive --no-refresh ${sources:+--reposd-dir "$sources/repos.d"} --cache-dir /var/cache/zypp "$@"
}
zypper refresh
code=0
zypper install --no-recommends --auto-agree-with-licenses "$@" || code=$?
case $code in 0|102|103) ;; *) exit $code ;; esac
rm -rf /var/log/zypp /var/log/zypper.log /run/zypp.pid /var/lib/zypp/AnonymousUniqueId
if [ -e /var/lib/zypp/AutoInstalled ]; then sed -i '/^# AutoInstalled generated/d' /var/lib/zypp/AutoInstalled; fi
` + rpmIndex

// zypperCA makes a private CA known to libzypp. libzypp reads no variable and no bundle, but only a directory of certificates that the
// repository's URL names.
const zypperCA = `if [ -n "${SSL_CERT_FILE:-}" ] && command -v openssl >/dev/null; then
  if [ -z "$sources" ]; then
    sources=/tmp/rtbuild-sources
    mkdir $sources
    cp -RL /etc/zypp/repos.d $sources/
  fi
  mkdir /tmp/rtbuild-certificates
  awk '/BEGIN CERTIFICATE/ { close(file); file = "/tmp/rtbuild-certificates/" ++n ".pem" } file { print > file }' "$SSL_CERT_FILE"
  openssl rehash /tmp/rtbuild-certificates
  find $sources -type f -exec sed -i -E 's|^(baseurl *= *https://[^? ]*) *$|\1?ssl_capath=/tmp/rtbuild-certificates|' {} +
fi
`

// rpmTime makes rpm, from 4.18 on, record a constant time of installation in its database.
const rpmTime = "export SOURCE_DATE_EPOCH=0\n"

// rpmIndex rebuilds the index of the database's journal, in which SQLite keeps random numbers. The index must exist, or only root can read
// the database. The script keeps a journal that is not empty.
const rpmIndex = `if command -v rpm >/dev/null; then
  database=$(rpm --eval '%{_dbpath}')/rpmdb.sqlite
  if [ -e "$database-shm" ] && ! [ -s "$database-wal" ]; then
    rm -f "$database-shm" "$database-wal"
    rpm -qa >/dev/null
  fi
fi
`

// installation describes a layer of packages.
type installation struct {
	title, field string
	packages     []string
	from         []string        // package repositories besides those of the base
	before       string          // a script that adds these repositories
	after        string          // a script that configures the packages
	opts         []llb.RunOption // of the step
}

func (g *Graph) install(what installation) Layer {
	m := g.Distro.Manager
	from := slices.Concat(g.Base.PackageSources, what.from)
	script := what.before + g.mirrorSources(from) + "set -- " + shellWords(what.packages) + "\n" + m.install + what.after
	opts := what.opts
	for _, c := range m.caches {
		mount := g.cacheOfBase
		if c.checked {
			mount = g.cache
		}
		opts = append(opts, mount(c.target, llb.CacheMountLocked, c.name, g.Distro.ID, g.Distro.Release, g.Platform.Architecture))
	}
	for _, s := range m.secrets {
		opts = append(opts, secretFile(s.target, s.id))
	}
	layer := g.step(StageSystem, what.title, what.field, asRoot(), script, opts...).withEndpoints(g.endpoints(from...)...)
	layer.batch = what.title
	return layer
}

// mirrorSources returns a script that sets $sources. The image keeps its original addresses.
func (g *Graph) mirrorSources(addresses []string) string {
	edits := g.mirrorScript(addresses...)
	if edits == "" {
		return "sources=\n"
	}
	return "sources=/tmp/rtbuild-sources\nmkdir $sources\nfor source in " + shellWords(g.Distro.Manager.Sources) + `; do
  if [ -e "$source" ]; then cp -RL "$source" $sources/; fi
done
` + writeFile("/tmp/rtbuild-mirrors", edits) + `find $sources -type f -exec sed -i -f /tmp/rtbuild-mirrors {} +
`
}

// managerOf returns the package manager of a distribution, or nil if none is known. ids are the distribution's id and those that it is
// like, nearest first.
func managerOf(ids []string) *PackageManager {
	for _, id := range ids {
		for _, m := range managers {
			if slices.ContainsFunc(m.ids, func(known string) bool { return id == known || strings.HasPrefix(id, known+"-") }) {
				return &m.manager
			}
		}
	}
	return nil
}
