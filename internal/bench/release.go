package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// change is what happens to the published OpenHands between two builds.
type change struct {
	name  string
	apply func(ctx context.Context, dir string) error
	flags []string // of rtbuild-client
	from  origin   // of the original
}

// firstVersion and nextVersion are the versions before and after the version's change.
const firstVersion, nextVersion = "0.62.0", "0.62.1"

// changes happen one after the other, each on top of those before. The original's part is what build_runtime_image_in_folder decides:
// without an image of these lock files, it builds on the one of this version, and gives only an image from scratch the version's tag.
var changes = []change{
	{"from scratch", unchanged, nil, origin{scratch: true, names: []string{"source", "lock", "versioned"}}},
	{"one package changed", releases.ChangePackage, nil, origin{tag: "versioned", versioned: true, names: []string{"source-2", "lock-2"}}},
	{"version changed", changeVersion, []string{"--previous-version", firstVersion}, origin{scratch: true, names: []string{"source-3", "lock-3", "versioned-3"}}},
	{"source edited", editSource, nil, origin{tag: "lock-3", names: []string{"source-4"}}},
	{"nothing changed", unchanged, nil, origin{}}, // the original builds nothing then
}

func unchanged(context.Context, string) error { return nil }
func changeVersion(_ context.Context, dir string) error {
	return releases.ChangeVersion(dir, nextVersion)
}
func editSource(_ context.Context, dir string) error {
	return releases.EditSource(dir, "ok, after an edit")
}

// way is a way to build OpenHands, on a builder of its own from the first change to the last.
type way struct {
	name  string
	until int // the last change that it builds
	build func(ctx context.Context, r *release, builder, repository string, change int) (took sample, ref string, err error)
}

// ways are the contenders. Only the first two figure in rows about changes.
var ways = []way{
	{"rtbuild-client, gzip", len(changes) - 1, solveRelease("gzip")},
	{"the original's steps", 3, buildOriginal},
	{"rtbuild-client, zstd", 0, solveRelease("zstd")},
}

// Indexes of ways.
const (
	byGzip = iota
	byOriginal
	byZstd
)

// release is a checkout of the published OpenHands, which all ways build.
type release struct {
	*network
	bench *bench
	dir   string
	now   map[string]string   // the image of each way after the last change
	all   map[string][]sample // by way and change
	size  map[string][]float64
	share map[string][]float64 // of an image's bytes, those that were in the image before
	start [][]float64          // of the ways: seconds from the start of a container to its answer
}

// measureRelease builds the published OpenHands again and again while it changes, and compares that with the steps of its own template.
func measureRelease(ctx context.Context, b *bench) (_ []row, err error) {
	r := &release{bench: b, all: map[string][]sample{}, size: map[string][]float64{}, share: map[string][]float64{}, start: make([][]float64, len(ways))}
	if r.network, err = b.startNetwork(ctx); err != nil {
		return nil, err
	}
	defer r.Close()
	b.say("once, not counted: fill the cache of Debian's mirror")
	if err := r.round(ctx, "warm", []way{{"to fill the cache", 0, solveRelease("zstd")}}); err != nil {
		return nil, err
	}
	for n := range b.runs {
		if err := r.round(ctx, fmt.Sprint(n), ways); err != nil {
			return nil, err
		}
	}
	return r.rows(), nil
}

// round lets the checkout change from the first change to the last, and builds it in all ways after each.
func (r *release) round(ctx context.Context, name string, ways []way) (err error) {
	r.dir, r.now = filepath.Join(r.bench.dir, "release-"+name), map[string]string{}
	if err := releases.Project(ctx, r.dir, r.mirror, r.base); err != nil {
		return err
	}
	var builders []*testenv.Builder // one for each way
	defer func() {
		for _, builder := range builders {
			err = errors.Join(err, builder.Shutdown())
		}
	}()
	for range ways {
		builder, err := r.bench.startBuilder(ctx)
		if err != nil {
			return err
		}
		builders = append(builders, builder)
	}
	for i, change := range changes {
		if err := change.apply(ctx, r.dir); err != nil {
			return err
		}
		for n, w := range ways {
			if i > w.until {
				continue
			}
			if err := r.once(ctx, w, builders[n].Addr, fmt.Sprintf("release-%s-%d", name, n), i); err != nil {
				return err
			}
		}
	}
	for n, w := range ways {
		if w.until > 0 {
			took, err := r.started(ctx, r.now[w.name])
			if err != nil {
				return err
			}
			r.bench.say("  %-45s %7.1f s from start to /alive", w.name, took.Seconds())
			r.start[n] = append(r.start[n], took.Seconds())
		}
	}
	return nil
}

// once builds the checkout in one way.
func (r *release) once(ctx context.Context, w way, builder, repository string, change int) error {
	r.bench.registry.Traffic()
	took, ref, err := w.build(ctx, r, builder, r.bench.registry.Host+"/"+repository, change)
	if err != nil {
		return err
	}
	_, took.sent, _ = r.bench.registry.Traffic()
	image, err := r.bench.registry.Image(ctx, ref)
	if err != nil {
		return err
	}
	key := w.name + ": " + changes[change].name
	r.bench.say("  %-45s %7.1f s, sent %s, image %s, %d layers", key, took.wall.Seconds(), size(took.sent), size(image.Size()), len(image.Manifest.Layers))
	r.all[key], r.size[key] = append(r.all[key], took), append(r.size[key], float64(image.Size()))
	if before := r.now[w.name]; before != "" {
		common, err := r.common(ctx, before, image)
		if err != nil {
			return err
		}
		r.share[key] = append(r.share[key], float64(common)/float64(image.Size()))
	}
	r.now[w.name] = ref
	return nil
}

// common returns the bytes of the layers that an image has in common with an earlier one.
func (r *release) common(ctx context.Context, before string, image *testenv.Image) (bytes int64, err error) {
	old, err := r.bench.registry.Image(ctx, before)
	if err != nil {
		return 0, err
	}
	var had []digest.Digest
	for _, layer := range old.Manifest.Layers {
		had = append(had, layer.Digest)
	}
	for _, layer := range image.Manifest.Layers {
		if slices.Contains(had, layer.Digest) {
			bytes += layer.Size
		}
	}
	return bytes, nil
}

// solveRelease builds with the client.
func solveRelease(compression string) func(context.Context, *release, string, string, int) (sample, string, error) {
	return func(ctx context.Context, r *release, builder, repository string, change int) (s sample, ref string, err error) {
		args := append([]string{"solve", r.dir, "--repository", repository, "--progress", "plain", "--compression", compression}, changes[change].flags...)
		for name, value := range r.proxy() {
			args = append(args, "--build-arg", name+"="+value)
		}
		took, out, err := r.bench.process(ctx, builder, r.bench.binaries.Client, args...)
		return sample{wall: took}, strings.TrimSpace(out), err
	}
}

// rows returns the comparisons, with the goals that the figures have.
func (r *release) rows() []row {
	key := func(way, change int) string { return ways[way].name + ": " + changes[change].name }
	times := func(way, change int) []float64 { return each(r.all[key(way, change)], wall) }
	bytes := func(way, change int) []float64 { return each(r.all[key(way, change)], sent) }
	text := func(values []float64) string { return size(int64(median(values))) }
	rows := []row{
		atLeast(2.4, "2.4 times faster").faster("OpenHands 0.62.0 from scratch, gzip: the original's steps", times(byGzip, 0), times(byOriginal, 0)),
		atLeast(3, "3 times faster").faster("  zstd: the original's steps", times(byZstd, 0), times(byOriginal, 0)),
		atMost(0.5, "0.5").sizes("  size of the image, gzip: the original's", r.size[key(byGzip, 0)], r.size[key(byOriginal, 0)]),
	}
	for i := 1; i < 4; i++ {
		what := changes[i].name
		rows = append(rows,
			row{what: what + ": the original's steps", ours: seconds(median(times(byGzip, i))), theirs: seconds(median(times(byOriginal, i)))},
			row{what: "  sent to the registry", ours: text(bytes(byGzip, i)), theirs: text(bytes(byOriginal, i))},
			row{what: "  of the image, in the image before", ours: percent(r.share[key(byGzip, i)]), theirs: percent(r.share[key(byOriginal, i)])})
	}
	const scratch = ": rtbuild from scratch"
	return append(rows,
		atMost(0.35, "0.35").compare(changes[1].name+scratch, times(byGzip, 1), times(byGzip, 0)),
		atMost(0.05, "0.05").sizes("  sent to the registry", bytes(byGzip, 1), bytes(byGzip, 0)),
		atMost(0.15, "0.15").compare(changes[2].name+scratch, times(byGzip, 2), times(byGzip, 0)),
		atMost(0.4, "0.4 s").judge(row{what: changes[3].name, ours: seconds(median(times(byGzip, 3)))}, median(times(byGzip, 3))),
		atMost(1e6, "1 MB").judge(row{what: "  sent to the registry", ours: text(bytes(byGzip, 3))}, median(bytes(byGzip, 3))),
		atMost(0.025, "25 ms").judge(row{what: changes[4].name, ours: seconds(median(times(byGzip, 4)))}, median(times(byGzip, 4))),
		atMost(0.5, "0.5").compare("start of a container until /alive answers: the original's image", r.start[byGzip], r.start[byOriginal]))
}

func percent(shares []float64) string { return fmt.Sprintf("%.1f%%", 100*median(shares)) }
