package solve

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/tags"
)

// Job is one solve: the requests to the build function, its local directories, and its exports.
type Job struct {
	Requests  []imagebuild.Request // one for each platform
	Index     bool                 // make an index even for one platform
	Locals    map[string]*Local
	SharedKey string                                                                    // the builder's name for its copies of the directories, see Installation.SharedKey
	Inspect   func(ctx context.Context, c gateway.Client, req imagebuild.Request) error // if set, called for each request instead of a build
	Exports   []Export
	Allowed   []string // entitlements

	Attrs       map[string]string          // attributes for the solver, such as attest:sbom
	Annotations map[string]string          // attributes of exports, such as annotation-index.KEY
	Imports     []client.CacheOptionsEntry // caches to import
	Caches      []client.CacheOptionsEntry // caches to export
}

// Close closes the directories.
func (j Job) Close() {
	for _, l := range j.Locals {
		_ = l.Close()
	}
}

// mounts returns the directories for BuildKit.
func (j Job) mounts() map[string]fsutil.FS {
	all := map[string]fsutil.FS{}
	for name, l := range j.Locals {
		all[name] = l
	}
	return all
}

// whenChanged calls f if a file of a directory changes, until stop is called.
func (j Job) whenChanged(f func()) (stop func()) {
	stopped := make(chan struct{})
	for _, l := range j.Locals {
		go func() {
			select {
			case <-l.Ended():
				f()
			case <-stopped:
			}
		}()
	}
	return func() { close(stopped) }
}

// changed returns the first change of a directory, or nil.
func (j Job) changed() *tags.ChangedError {
	for _, name := range slices.Sorted(maps.Keys(j.Locals)) {
		if changed := j.Locals[name].Changed(); changed != nil {
			return changed
		}
	}
	return nil
}

func (j Job) names() string {
	var names []string
	for _, e := range j.Exports {
		if name := e.Attrs["name"]; name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ",")
}

// inspect calls Inspect for each request. Its result is empty.
func (j Job) inspect(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	for _, req := range j.Requests {
		if err := j.Inspect(ctx, c, req); err != nil {
			return nil, err
		}
	}
	return gateway.NewResult(), nil
}

// build builds all platforms concurrently.
func (j Job) build(ctx context.Context, c gateway.Client, pre *precompressor) (*gateway.Result, error) {
	imports, err := cacheImports(c.BuildOpts().Opts)
	if err != nil {
		return nil, err
	}
	images := make([]*imagebuild.Image, len(j.Requests))
	group, building := errgroup.WithContext(ctx)
	for i, req := range j.Requests {
		req.Imports, req.OnStageDefined, req.Compression = imports, pre.start, j.compression()
		group.Go(func() (err error) {
			images[i], err = imagebuild.Build(building, c, req)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	res, err := imagebuild.Result(images, j.Index)
	if err != nil {
		return nil, err
	}
	scanner, err := imagebuild.NewScanner(c)
	if err != nil {
		return nil, err
	}
	return res, scanner.Attest(ctx, res, images)
}

// cacheImports returns the caches to import from the options of the build, where BuildKit's client has put them for frontends. A
// local cache has its digest there.
func cacheImports(opts map[string]string) ([]gateway.CacheOptionsEntry, error) {
	text := opts["cache-imports"]
	if text == "" {
		return nil, nil
	}
	var imports []gateway.CacheOptionsEntry
	if err := json.Unmarshal([]byte(text), &imports); err != nil {
		return nil, fmt.Errorf("reading the caches to import: %w", err)
	}
	return imports, nil
}

// attrs returns the attributes of the solve. They include the platforms: BuildKit warns about results for other platforms.
func (j Job) attrs() map[string]string {
	attrs := maps.Clone(j.Attrs)
	if attrs == nil {
		attrs = map[string]string{}
	}
	var names []string
	for _, req := range j.Requests {
		names = append(names, platforms.Format(req.Platform))
	}
	attrs["platform"] = strings.Join(names, ",")
	return attrs
}

// entries returns the exports for BuildKit.
func (j Job) entries() []client.ExportEntry {
	var entries []client.ExportEntry
	for _, e := range j.Exports {
		entries = append(entries, e.entry(j.Annotations))
	}
	return entries
}
