package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

const (
	lockSize  = 1e9
	smallSize = 1e8
	largeSize = 4e9
)

// measureLock compares a build after a source edit with Dockerfiles.
func measureLock(ctx context.Context, b *bench) ([]row, error) {
	p, err := b.newProject("lock")
	if err != nil {
		return nil, err
	}
	if err := b.pushDeps(ctx, p, lockSize); err != nil {
		return nil, err
	}
	original, err := p.dockerfile(ctx, "original", originalDockerfile)
	if err != nil {
		return nil, err
	}
	best, err := p.dockerfile(ctx, "best", bestDockerfile)
	if err != nil {
		return nil, err
	}
	all, err := b.inTurns(ctx, b.runs, p.afterEdit("rtbuild-client solve", p.solve),
		p.afterEdit("original's steps", original.build), p.afterEdit("COPY --link", best.build))
	if err != nil {
		return nil, err
	}
	return lockRows(all[0], all[1], all[2]), nil
}

func lockRows(ours, original, best []sample) []row {
	const edit = "source edit, fresh builder, 1 GB deps image: "
	volume := func(what string, theirs []sample, figure func(sample) float64) row {
		return row{what: what, ours: size(int64(median(each(ours, figure)))), theirs: size(int64(median(each(theirs, figure))))}
	}
	return []row{
		atLeast(12, "12 times faster").faster(edit+"the original's steps", each(ours, wall), each(original, wall)),
		atMost(1.2, "1.2").compare(edit+"COPY --link", each(ours, wall), each(best, wall)),
		atMost(10e6, "10 MB").judge(volume("  builder's disk, growth: the original's steps", original, disk), median(each(ours, disk))),
		volume("  builder's disk, growth: COPY --link", best, disk),
		volume("  pulled from the registry: the original's steps", original, pulled),
		volume("  pulled from the registry: COPY --link", best, pulled),
	}
}

// measureSize compares a source edit on a large deps image with one on a small one.
func measureSize(ctx context.Context, b *bench) ([]row, error) {
	var contenders []contender
	for _, image := range []struct {
		name string
		size int64
	}{{"large", largeSize}, {"small", smallSize}} {
		p, err := b.newProject(image.name)
		if err != nil {
			return nil, err
		}
		if err := b.pushDeps(ctx, p, image.size); err != nil {
			return nil, err
		}
		contenders = append(contenders, p.afterEdit(image.name, p.solve))
	}
	all, err := b.inTurns(ctx, b.runs, contenders...)
	if err != nil {
		return nil, err
	}
	const what = "source edit, fresh builder: 4 GB deps image (ours), 0.1 GB (theirs)"
	return []row{atMost(1.3, "1.3").compare(what, each(all[0], wall), each(all[1], wall))}, nil
}

// afterEdit is a build after an edit of the source, on a fresh builder. The start of the builder is not timed.
func (p *project) afterEdit(name string, build func(context.Context, string) (time.Duration, error)) contender {
	return contender{name, func(ctx context.Context) (s sample, err error) {
		if err := p.edit(); err != nil {
			return s, err
		}
		builder, stop, err := p.bench.freshBuilder(ctx)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, stop()) }()
		before, err := diskUsage(builder.Dir)
		if err != nil {
			return s, err
		}
		p.bench.registry.Traffic()
		if s.wall, err = build(ctx, builder.Addr); err != nil {
			return s, err
		}
		s.pulled, _, _ = p.bench.registry.Traffic()
		after, err := diskUsage(builder.Dir)
		s.disk = after - before
		return s, err
	}}
}

// freshBuilder starts a builder with an empty state, which stop removes.
func (b *bench) freshBuilder(ctx context.Context) (builder *testenv.Builder, stop func() error, err error) {
	builder, err = b.startBuilder(ctx)
	if err != nil {
		return nil, nil, err
	}
	return builder, func() error { return errors.Join(builder.Stop(), os.RemoveAll(filepath.Dir(builder.Dir))) }, nil
}

// startBuilder flushes the disk, and starts a builder with an empty state. The benchmark removes the state at its end. Where builds make
// many files, it must stay until then: for five minutes, ext4 looks at each inode that was freed whenever it makes a file
// (recently_deleted), which would slow the next contender down by as much as the last one has left.
func (b *bench) startBuilder(ctx context.Context) (*testenv.Builder, error) {
	syscall.Sync()
	dir, err := os.MkdirTemp(b.dir, "builder-")
	if err != nil {
		return nil, err
	}
	return testenv.StartBuilder(ctx, b.binaries.Buildkitd, dir, testenv.BuilderOptions{})
}

// diskUsage returns the disk space of a directory in bytes, as du counts it.
func diskUsage(dir string) (int64, error) {
	var total int64
	seen := map[uint64]bool{}
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the daemon cleans up meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || seen[stat.Ino] {
			return nil
		}
		seen[stat.Ino] = true
		total += stat.Blocks * 512
		return nil
	})
	return total, err
}
