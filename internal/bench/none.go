package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// noneRuns multiplies the number of runs of the shortest measurements.
const noneRuns = 5

// measureNone measures a solve whose image exists. Nothing listens at the builder's address, because the solve needs no builder.
func measureNone(ctx context.Context, b *bench) ([]row, error) {
	p, err := b.newProject("none")
	if err != nil {
		return nil, err
	}
	if err := b.publish(ctx, p); err != nil {
		return nil, err
	}
	noBuilder := "unix://" + filepath.Join(b.dir, "nobody.sock")
	all, err := b.inTurns(ctx, noneRuns*b.runs, contender{"solve", func(ctx context.Context) (s sample, err error) {
		s.wall, err = p.solve(ctx, noBuilder)
		return s, err
	}})
	if err != nil {
		return nil, err
	}
	var peaks []float64
	for range b.runs {
		peak, err := b.peak(ctx, noBuilder, b.binaries.Client, p.args("solve")...)
		if err != nil {
			return nil, err
		}
		peaks = append(peaks, float64(peak))
	}
	info, err := os.Stat(b.binaries.Client)
	if err != nil {
		return nil, err
	}
	took := median(each(all[0], wall))
	const what = "nothing to do, builder not contacted: "
	return []row{
		below(0.150, "150ms").judge(row{what: fmt.Sprintf("%stime (of %d)", what, noneRuns*b.runs), ours: seconds(took)}, took),
		below(60e6, "60 MB").judge(row{what: what + "peak memory", ours: size(int64(median(peaks)))}, median(peaks)),
		below(60e6, "60 MB").judge(row{what: "client binary, stripped", ours: size(info.Size())}, float64(info.Size())),
	}, nil
}

// publish builds and publishes the project's source image.
func (b *bench) publish(ctx context.Context, p *project) error {
	if err := b.pushDeps(ctx, p, depsLayers*randomFile); err != nil {
		return err
	}
	_, err := p.afterEdit("solve", func(ctx context.Context, builder string) (time.Duration, error) {
		return p.solve(ctx, builder)
	}).run(ctx)
	return err
}
