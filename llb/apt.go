package llb

// aptArchives is the directory in which apt keeps packages.
const aptArchives = "/var/cache/apt/archives"

// aptScript installs packages with apt.
//
// Docker Hub's base images delete archives after each install, which would empty the shared cache, so the script turns that off. As these
// images do, it tells dpkg not to sync after each file: an interrupted step leaves no layer. It removes files that would differ from run to
// run: logs, and the caches of ldconfig and fontconfig, which hold inodes and dates. Names of packages change between releases, so an
// argument may list alternatives: "libgl1|libgl1-mesa-glx" installs the first that exists.
const aptScript = `cat >> "$APT_CONFIG" <<'EOF'
#clear DPkg::Post-Invoke;
#clear APT::Update::Post-Invoke;
Binary::apt::APT::Keep-Downloaded-Packages "true";
APT::Keep-Downloaded-Packages "true";
Acquire::Retries "3";
Acquire::ForceHash "SHA256";
Dir::Cache::pkgcache "/tmp/rtbuild-pkgcache.bin";
Dir::Cache::srcpkgcache "/tmp/rtbuild-srcpkgcache.bin";
DPkg::Options:: "--force-unsafe-io";
EOF
if [ -n "$sources" ]; then
  printf 'Dir::Etc::sourcelist "%s";\nDir::Etc::sourceparts "%s";\n' "$sources/sources.list" "$sources/sources.list.d" >> "$APT_CONFIG"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
for choice do
  shift
  for package in $(echo "$choice" | tr '|' ' '); do
    if [ "$package" = "$choice" ] || apt-cache show "$package" >/dev/null 2>&1; then break; fi
  done
  set -- "$@" "$package"
done
` + aptCheck + `apt-get -qq install -y --no-install-recommends "$@"
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log
rm -rf /var/cache/ldconfig/aux-cache /var/cache/fontconfig/* /var/lib/dpkg/*-old /var/cache/debconf/*-old
`

// aptCheck deletes cached packages that do not match the signed lists. apt itself accepts a cached package if only its size is right (seen
// with 2.6). apt prints hashes only for packages that it would fetch, hence the empty archive directory. Links are deleted first: a link
// through /proc/self/cwd is a different file for each program that reads it. The index of the lists is the step's own, because apt trusts a
// cached one, too.
const aptCheck = `mkdir -p /tmp/rtbuild-archives/partial
apt-get -qq --print-uris -o Dir::Cache::archives=/tmp/rtbuild-archives install -y --no-install-recommends "$@" > /tmp/rtbuild-wanted
find ` + aptArchives + ` ! -type f ! -type d -exec rm -f {} +
while read -r _ file _ sum; do
  file=` + aptArchives + `/$file
  if ! echo "${sum#SHA256:}  $file" | sha256sum -c --status 2>/dev/null; then rm -rf "$file"; fi
done < /tmp/rtbuild-wanted
`
