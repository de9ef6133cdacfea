package llb

import (
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// PackageManager is how a family of distributions installs packages: data, and a script.
type PackageManager struct {
	Name     string
	Programs []string // one of them must be in the base
	Sources  []string // the files and directories of a base that say where its packages come from
	accounts []string // the packages that bring useradd and its like, where a base may lack them

	// install is a script that installs what its arguments name, and leaves neither lists nor archives behind. $sources is empty, or a directory
	// that has a copy of Sources by their last names, with mirrors for addresses.
	install string
	caches  []cacheDir
	secrets []secret
}

// cacheDir is a directory that outlives a step and that no image holds. Steps on one base image share it or, if what lies in it is
// checked before it is used, steps on all bases of one publisher.
type cacheDir struct {
	target, name string
	checked      bool
}

// secret is a file that a step may be given.
type secret struct{ target, id string }

// managers are the package managers that rtbuild knows, with the os-release ids of the distributions that have them.
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

// dnfScript gives options that microdnf and yum know, too; two are for dnf alone, which follow what apt does: to ask for the
// newest lists, and to replace what the base has and what is in the way (coreutils-single by coreutils). librepo reads no
// variable with a CA. dnf 5 keeps archives in its own directory, whatever cachedir says. What dnf keeps of its history holds
// dates.
const dnfScript = rpmTime + `for dnf in dnf microdnf yum; do
  if command -v "$dnf" >/dev/null; then break; fi
done
flags=
if [ "$dnf" = dnf ]; then flags='--refresh --allowerasing'; fi
"$dnf" -y $flags ${sources:+--setopt=reposdir="$sources/yum.repos.d"} ${SSL_CERT_FILE:+--setopt=sslcacert="$SSL_CERT_FILE"} \
  --setopt=cachedir=/var/cache/dnf --setopt=keepcache=1 --setopt=install_weak_deps=0 --setopt=tsflags=nodocs install "$@"
rm -rf /var/log/dnf* /var/log/yum.log /var/log/hawkey.log /var/lib/dnf /usr/lib/sysimage/libdnf5/transaction_history.sqlite*
` + rpmIndex

// zypperScript: lists that are in the cache are taken for new unless they are asked for again. A service that names repositories
// is not asked: it would write its own addresses over those of mirrors. That something should be started again (exit codes 102
// and 103) is no failure in an image. Keys of repositories come with the base: none is trusted because a repository offers it.
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

// zypperCA makes a private CA known to libzypp, which reads no variable and no bundle, but a directory of certificates that the
// address of a repository names.
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

// rpmTime makes rpm (from 4.18 on) write one time of installation into its database, whenever it runs.
const rpmTime = "export SOURCE_DATE_EPOCH=0\n"

// rpmIndex has the index of the database's journal made anew: SQLite keeps random numbers in it. It must be there, or other
// users than root cannot read the database. A journal that is not empty is left alone.
const rpmIndex = `if command -v rpm >/dev/null; then
  database=$(rpm --eval '%{_dbpath}')/rpmdb.sqlite
  if [ -e "$database-shm" ] && ! [ -s "$database-wal" ]; then
    rm -f "$database-shm" "$database-wal"
    rpm -qa >/dev/null
  fi
fi
`

// installation is a layer of the package manager's packages.
type installation struct {
	title, field string
	packages     []string
	from         []string        // the addresses that they come from beside those of the base
	before       string          // a script that adds these
	after        string          // a script that sets them up
	opts         []llb.RunOption // for these scripts
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
	layer := g.step(StageSystem, what.title, what.field, asRoot(), script, opts...).fetching(g.endpoints(from...)...)
	layer.large = true
	return layer
}

// mirrorSources is a script that sets $sources. The image keeps the addresses that it came with.
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

// managerOf gives the package manager of a distribution, by its id and what it is like, nearest first; nil if none is known.
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
