package llb

import (
	"net/url"
	"path"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
)

// cache mounts a cache directory that any user may write to. Steps on bases of one publisher share it. Steps that use it wait for each
// other only if the sharing mode is locked.
//
// Each mount starts from an empty directory of its own. If two mounts of a step share one and the step fails, BuildKit (v0.34.2, the
// gateway's registerResultIDs) reports "releasing already released reference" instead of the failure.
func (g *Graph) cache(target string, sharing llb.CacheMountSharingMode, id ...string) llb.RunOption {
	return g.cacheOf(g.publisher(), target, sharing, id...)
}

// cacheOfBase mounts a cache that only steps on this exact base image share. It is for files that a package manager trusts without a check.
func (g *Graph) cacheOfBase(target string, sharing llb.CacheMountSharingMode, id ...string) llb.RunOption {
	return g.cacheOf(g.baseImage(), target, sharing, id...)
}

func (g *Graph) cacheOf(owner []string, target string, sharing llb.CacheMountSharingMode, id ...string) llb.RunOption {
	dir := "/" + path.Base(target)
	empty := llb.Scratch().File(llb.Mkdir(dir, 0o1777), llb.WithCustomName("[internal] cache for "+target))
	name := append(append([]string{g.CacheNamespace, "rtbuild"}, owner...), id...)
	return llb.AddMount(target, empty, llb.AsPersistentCacheDir(cacheID(name...), sharing), llb.SourcePath(dir))
}

// cacheID joins names into an id. Different names give different ids. Like the ids of BuildKit's Dockerfile frontend, it begins with the
// namespace and a slash.
func cacheID(names ...string) string {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = url.PathEscape(name)
	}
	return strings.Join(escaped, "/")
}

// publisher identifies who is trusted to write to shared caches: the registry and namespace of the base, which is its name without the last
// component. A base that is in no registry shares caches only with itself.
func (g *Graph) publisher() []string {
	if g.Base.State == nil {
		if named, err := reference.ParseNormalizedNamed(g.Runtime.Base); err == nil {
			return []string{"namespace", path.Dir(named.Name())}
		}
	}
	return g.baseImage()
}

// baseImage identifies the entry image: by its digest or, if it is in no registry, by its config, which names its layers.
func (g *Graph) baseImage() []string {
	if g.Base.State == nil {
		return []string{"image", g.Base.Ref}
	}
	return []string{"config", digest.FromBytes(g.Base.Config).String()}
}

// sharedParts returns a script that makes the directory $cache for this run only. The named parts in it are links into $shared, the user's
// part of a cache mount, so that all steps share them. Both are on one file system, so files can be moved between them. If a step is
// killed, a later one removes its directory after a day.
func sharedParts(mounted, parts string) string {
	return `shared="` + mounted + `/$(id -u)"
mkdir -p "$shared"
find "$shared" -maxdepth 1 -name 'step.*' -mtime +1 -exec rm -rf {} +
cache=$(mktemp -d "$shared/step.XXXXXX")
own="${own:-} $cache"
trap 'rm -rf $own' EXIT
for part in ` + parts + `; do
  mkdir -p "$shared/$part"
  ln -s "../$part" "$cache/$part"
done
`
}
