package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
)

// bytecodes are the values of bytecode, none last: the others are compared with it.
var bytecodes = []string{"all", "startup", "none"}

// countedStarts is how many starts of a container count for one build and one pull.
const countedStarts = 10

// compiled is what it costs to have byte code in an image, or not, in seconds and bytes.
type compiled struct{ build, size, pull, start float64 }

// sum is what users wait for.
func (c compiled) sum() float64 { return c.build + c.pull + countedStarts*c.start }

// measureBytecode builds the published OpenHands from scratch with each value of bytecode, pulls it, and starts it.
func measureBytecode(ctx context.Context, b *bench) ([]row, error) {
	n, err := b.startNetwork(ctx)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	r := &release{network: n, bench: b, dir: filepath.Join(b.dir, "bytecode")}
	if err := releases.Project(ctx, r.dir, r.mirror, r.base); err != nil {
		return nil, err
	}
	b.say("once, not counted: fill the cache of Debian's mirror")
	if _, err := r.compiled(ctx, "none", "warm"); err != nil {
		return nil, err
	}
	all := map[string][]compiled{}
	for run := range b.runs {
		for _, value := range bytecodes {
			c, err := r.compiled(ctx, value, fmt.Sprintf("%s-%d", value, run))
			if err != nil {
				return nil, err
			}
			all[value] = append(all[value], c)
		}
	}
	var rows []row
	for _, value := range bytecodes[:2] {
		rows = append(rows, bytecodeRows(value, all[value], all["none"])...)
	}
	return rows, nil
}

// compiled builds the checkout with a value of bytecode, and uses the image.
func (r *release) compiled(ctx context.Context, value, name string) (c compiled, err error) {
	file := filepath.Join(r.dir, "runtime.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, writeSource(file, string(text))) }()
	if err := writeSource(file, strings.Replace(string(text), "{", fmt.Sprintf("{\n  \"bytecode\": %q,", value), 1)); err != nil {
		return c, err
	}
	ref := ""
	took, err := r.onFreshBuilder(ctx, func(builder string) (time.Duration, error) {
		took, image, err := solveRelease("gzip")(ctx, r, builder, r.bench.registry.Host+"/bytecode-"+name, 0)
		ref = image
		return took.wall, err
	})
	if err != nil {
		return c, err
	}
	image, err := r.bench.registry.Image(ctx, ref)
	if err != nil {
		return c, err
	}
	c.build, c.size = took.Seconds(), float64(image.Size())
	if took, err = r.onFreshBuilder(ctx, func(builder string) (time.Duration, error) { return r.pull(ctx, builder, ref) }); err != nil {
		return c, err
	}
	c.pull = took.Seconds()
	if took, err = r.started(ctx, ref); err != nil {
		return c, err
	}
	c.start = took.Seconds()
	r.bench.say("  bytecode %-8s build %.1f s, %s, pull %.1f s, start %.1f s", value, c.build, size(image.Size()), c.pull, c.start)
	return c, nil
}

func (r *release) onFreshBuilder(ctx context.Context, do func(builder string) (time.Duration, error)) (took time.Duration, err error) {
	builder, err := r.bench.startBuilder(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, builder.Shutdown()) }()
	return do(builder.Addr)
}

// pull lets a builder pull and unpack an image, for a step that does nothing.
func (r *release) pull(ctx context.Context, builder, ref string) (took time.Duration, err error) {
	dir, err := os.MkdirTemp(r.bench.dir, "pull-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeSource(filepath.Join(dir, "Dockerfile"), "FROM "+ref+"\nRUN [\"/bin/true\"]\n"); err != nil {
		return 0, err
	}
	took, _, err = r.bench.process(ctx, builder, r.bench.binaries.Buildctl, "build", "--progress", "plain", "--frontend", "dockerfile.v0",
		"--local", "context="+dir, "--local", "dockerfile="+dir)
	return took, err
}

func bytecodeRows(value string, ours, none []compiled) []row {
	compare := func(what string, format func(float64) string, figure func(compiled) float64) row {
		var a, b []float64
		for i := range ours {
			a, b = append(a, figure(ours[i])), append(b, figure(none[i]))
		}
		return withRatio(row{what: "bytecode: " + value + " (ours), none (theirs): " + what, ours: format(median(a)), theirs: format(median(b))}, quotients(a, b))
	}
	return []row{
		compare("build from scratch", seconds, func(c compiled) float64 { return c.build }),
		compare("size of the image", func(n float64) string { return size(int64(n)) }, func(c compiled) float64 { return c.size }),
		compare("pull", seconds, func(c compiled) float64 { return c.pull }),
		compare("start until /alive answers", seconds, func(c compiled) float64 { return c.start }),
		compare("build, pull and ten starts", seconds, compiled.sum),
	}
}
