package llb

import (
	"net/url"
	"path"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
)

// cache mounts a cache directory that any user may write to. Steps that use it wait for each other only if locked. Steps on bases
// of one publisher share it.
//
// Each has an empty directory of its own to begin with: if two mounts of a step share one, BuildKit (v0.34.2, gateway's
// registerResultIDs) answers a failure of the step with "releasing already released reference" instead of the failure.
func (g *Graph) cache(target string, sharing llb.CacheMountSharingMode, id ...string) llb.RunOption {
	return g.cacheOf(g.publisher(), target, sharing, id...)
}

// cacheOfBase is a cache for steps on this very base image: for what its manager believes without looking again.
func (g *Graph) cacheOfBase(target string, sharing llb.CacheMountSharingMode, id ...string) llb.RunOption {
	return g.cacheOf(g.baseImage(), target, sharing, id...)
}

func (g *Graph) cacheOf(owner []string, target string, sharing llb.CacheMountSharingMode, id ...string) llb.RunOption {
	dir := "/" + path.Base(target)
	empty := llb.Scratch().File(llb.Mkdir(dir, 0o1777), llb.WithCustomName("[internal] cache for "+target))
	name := append(append([]string{g.CacheNamespace, "rtbuild"}, owner...), id...)
	return llb.AddMount(target, empty, llb.AsPersistentCacheDir(cacheID(name...), sharing), llb.SourcePath(dir))
}

// cacheID joins names so that different ones give different ids, whatever they hold. It begins as the ids of BuildKit's Dockerfile
// frontend do: with the namespace and a slash.
func cacheID(names ...string) string {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = url.PathEscape(name)
	}
	return strings.Join(escaped, "/")
}

// publisher is who is trusted with what steps leave in caches: the registry and namespace of the base, which is all of its name but
// the last part. A base that is in no registry shares with itself alone.
func (g *Graph) publisher() []string {
	if g.Base.State == nil {
		if named, err := reference.ParseNormalizedNamed(g.Runtime.Base); err == nil {
			return []string{"namespace", path.Dir(named.Name())}
		}
	}
	return g.baseImage()
}

// baseImage is the image that the build enters on, by its digest; one that is in no registry, by its config, which names its layers.
func (g *Graph) baseImage() []string {
	if g.Base.State == nil {
		return []string{"image", g.Base.Ref}
	}
	return []string{"config", digest.FromBytes(g.Base.Config).String()}
}

// partsOf is a script that makes a directory, $cache, which is a cache of the step's own but for the parts that are named: those are in
// $shared, the user's own in a mounted cache, for all steps. They are on one file system, so that what is downloaded can be moved from
// one to the other. A step that was killed leaves its directory behind for a day.
func partsOf(mounted, parts string) string {
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
