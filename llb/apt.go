package llb

// aptArchives is where apt keeps packages.
const aptArchives = "/var/cache/apt/archives"

// aptScript: the base images of Docker Hub delete archives after each install, which would empty the cache that we share. They
// also tell dpkg not to wait for the disk after each file, which is right for every base: a step that is cut off leaves no layer.
// What would differ from run to run (logs, ldconfig's and fontconfig's caches of inodes and dates) is removed. Names of packages
// change between releases, so one may be a choice: "libgl1|libgl1-mesa-glx" is the first that there is.
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

// aptCheck deletes the packages that are not what the signed lists say: apt itself takes a package of the right size as it finds it
// (seen with 2.6). It tells the hashes of what it would fetch, hence the empty directory. Links go first: one through /proc/self/cwd
// is another file to each program that reads it. Its index of the lists is the step's own, as it believes that, too.
const aptCheck = `mkdir -p /tmp/rtbuild-archives/partial
apt-get -qq --print-uris -o Dir::Cache::archives=/tmp/rtbuild-archives install -y --no-install-recommends "$@" > /tmp/rtbuild-wanted
find ` + aptArchives + ` ! -type f ! -type d -exec rm -f {} +
while read -r _ file _ sum; do
  file=` + aptArchives + `/$file
  if ! echo "${sum#SHA256:}  $file" | sha256sum -c --status 2>/dev/null; then rm -rf "$file"; fi
done < /tmp/rtbuild-wanted
`
