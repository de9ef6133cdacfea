package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/tonistiigi/fsutil"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// Names under which a solve sees the project's directories.
const (
	localSource    = "source"
	localLockFiles = "lockfiles"
	localTools     = "tools"
)

// execution carries out a plan.
type execution struct {
	options *solveOptions
	project *project
	place   *place
	plan    *plan.Plan
	exports []solve.Export
	flags   *buildFlags

	runner *solve.Runner
	job    solve.Job // what all solves of the build have in common
}

func (b *execution) publishes() bool { return b.options.output.publishes() }

// run builds what the plan says. It gives nil if there was nothing to do.
func (b *execution) run(ctx context.Context) (*solve.Response, error) {
	b.announce()
	if b.plan.Variant == plan.None && len(b.exports) == 0 {
		return nil, nil
	}
	if err := checkTree(b.project); err != nil {
		return nil, err
	}
	builder, err := b.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer builder.Close()
	if err := b.prepare(ctx, builder); err != nil {
		return nil, err
	}
	res, err := b.solveAll(ctx)
	if closeErr := b.runner.Progress.Close(); err == nil {
		err = closeErr
	}
	return res, withCode(exitBuild, err)
}

// connect dials the builder, and asks meanwhile whether what will be built may be published: a refusal comes first.
func (b *execution) connect(ctx context.Context) (*solve.Builder, error) {
	refused := make(chan error, 1)
	dialing, giveUp := context.WithCancel(ctx)
	defer giveUp()
	go func() {
		var refusal error
		if b.publishes() && len(b.plan.Publish) > 0 {
			refusal = b.place.checkPush(ctx)
		}
		if refused <- refusal; refusal != nil {
			giveUp()
		}
	}()
	builder, err := b.place.builder(dialing)
	if refusal := <-refused; refusal != nil {
		if err == nil {
			_ = builder.Close()
		}
		return nil, refusal
	}
	return builder, err
}

// solveAll publishes deps before source, so that a source tag that exists can be trusted.
func (b *execution) solveAll(ctx context.Context) (*solve.Response, error) {
	builds := b.plan.Variant == plan.Scratch || b.plan.Variant == plan.Versioned
	if builds && b.publishes() {
		if err := b.publishDeps(ctx); err != nil {
			return nil, err
		}
	}
	job := b.job
	job.Requests[0].Stage = plan.StageSource
	if b.publishes() && b.plan.Variant != plan.None {
		job.Exports = append(job.Exports, solve.ImageExport(true, b.project.tags.Images.Source))
	}
	job.Exports = append(job.Exports, b.exports...)
	return b.runner.Run(ctx, job)
}

// publishDeps builds the deps image, publishes it and lets the source image enter on what was published.
func (b *execution) publishDeps(ctx context.Context) error {
	names := b.plan.Publish[:len(b.plan.Publish)-1]
	job := b.job
	job.Requests[0].Stage = plan.StageDeps
	job.Exports = []solve.Export{solve.ImageExport(true, names...)}
	res, err := b.runner.Run(ctx, job)
	if err != nil {
		return err
	}
	b.job.Requests[0].Variant = plan.Lock
	b.job.Requests[0].From = names[0] + "@" + res.Digest()
	return nil
}

// prepare sets up what the solves have in common.
func (b *execution) prepare(ctx context.Context, builder *solve.Builder) error {
	o, p := &b.options.build, b.project
	var err error
	if b.job, err = b.newJob(); err != nil {
		return withCode(exitUsage, err)
	}
	if b.flags.fetchesTools(b.options.place.caFile) {
		tools := &downloads{ctx: ctx, caFile: b.options.place.caFile, proxy: b.flags.request.Proxy}
		dir, err := tools.open()
		if err != nil {
			return err
		}
		b.job.Requests[0].Fetch, b.job.Locals[localTools] = tools.fetch, dir
	}
	progress, err := solve.NewProgress(ctx, o.progress)
	if err != nil {
		return withCode(exitUsage, err)
	}
	if b.options.place.debug {
		fmt.Fprintf(os.Stderr, "builder %s, buildkit %s, context %s\n", builder.Addr, builder.Version, p.root)
	}
	b.runner = &solve.Runner{Builder: builder, Progress: progress, Session: b.flags.session, Retries: o.retries, Warn: warn}
	return nil
}

func (b *execution) newJob() (solve.Job, error) {
	p, request := b.project, b.flags.request
	source, err := solve.TreeFS(p.tree)
	if err != nil {
		return solve.Job{}, err
	}
	lockFiles, err := solve.FilesFS(p.root, p.tree.LockFiles)
	if err != nil {
		return solve.Job{}, err
	}
	request.Runtime, request.Platform = p.runtime, p.platform
	request.Variant, request.From, request.Tree = b.plan.Variant, b.plan.From, p.tree.Copied
	request.NoCache = func(string) bool { return b.options.build.noCache }
	request.Source = local(localSource, "[source] read the source tree")
	request.LockFiles = local(localLockFiles, "[deps] read the lock files")
	return solve.Job{
		Requests:  []build.Request{request},
		Locals:    map[string]fsutil.FS{localSource: source, localLockFiles: lockFiles},
		SharedKey: "rtbuild:" + p.root,
		Allowed:   b.options.build.allowed(),
	}, nil
}

func local(name, title string) llb.State {
	return llb.Local(name, llb.SharedKeyHint(name), llb.WithCustomName(title))
}
