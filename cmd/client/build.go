package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/session/auth/authprovider"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags"
)

// Names under which a solve sees the project's directories.
const (
	localSource    = "source"
	localLockFiles = "lockfiles"
)

// execution carries out what planning found to be done.
type execution struct {
	options     *solveOptions
	project     *target
	destination *destination.Destination
	plan        *planning.Result
	exports     []solve.Export
	flags       *buildFlags

	here     solve.Installation
	runner   *solve.Runner
	requests []build.Request // one for each platform
	job      solve.Job       // what all solves of the build have in common

	response *solve.Response // of the last solve; nil if there was none
	digest   string          // what the source tag points to, or was exported
}

func (b *execution) publishes() bool { return b.options.output.publishes() }

// run builds what the survey says, unless there is nothing to do.
func (b *execution) run(ctx context.Context) error {
	b.announce()
	if b.plan.Done() && len(b.exports) == 0 {
		return nil
	}
	warnOfTree(b.project)
	builder, err := b.connect(ctx)
	if err != nil {
		return err
	}
	defer builder.Close()
	if err := builder.CheckPlatforms(ctx, b.runsSteps()); err != nil {
		return err
	}
	defer func() { b.job.Close() }()
	if err := b.prepare(ctx, builder); err != nil {
		return err
	}
	if err = b.solveAll(ctx); err == nil {
		err = b.destination.Alive()
	}
	if closeErr := b.runner.Progress.Close(); err == nil {
		err = closeErr
	}
	return withCode(exitBuild, err)
}

// runsSteps are the platforms for which the builder has to run programs. Source alone is only copied, which works for any
// platform.
func (b *execution) runsSteps() []ocispecs.Platform {
	var all []ocispecs.Platform
	for _, a := range b.plan.Platforms {
		if a.BuildsDeps() || a.Variant == plan.Lock && b.project.Runtime.Extra != "" {
			all = append(all, a.Platform)
		}
	}
	return all
}

// connect dials the builder, and asks meanwhile whether what will be built may be published: a refusal comes first.
func (b *execution) connect(ctx context.Context) (*solve.Builder, error) {
	refused := make(chan error, 1)
	dialing, giveUp := context.WithCancel(ctx)
	defer giveUp()
	go func() {
		var refusal error
		if b.publishes() && !b.plan.Done() {
			refusal = b.destination.CheckPush(ctx)
		}
		if refused <- refusal; refusal != nil {
			giveUp()
		}
	}()
	builder, err := b.destination.Builder(dialing)
	if refusal := <-refused; refusal != nil {
		if err == nil {
			_ = builder.Close()
		}
		return nil, refusal
	}
	return builder, err
}

// prepare sets up what the solves have in common, and the request for each platform.
func (b *execution) prepare(ctx context.Context, builder *solve.Builder) error {
	o, p := &b.options.build, b.project
	var err error
	if b.job, err = b.newJob(); err != nil {
		return withCode(exitUsage, err)
	}
	common := b.request()
	if b.flags.fetchesTools(b.options.place.caFile) {
		tools, err := solve.OpenDownloads(ctx, b.here, solve.DownloadOptions{CAFile: b.options.place.caFile, Proxy: b.flags.request.Proxy, Warn: warn})
		if err != nil {
			return err
		}
		common.Fetch, b.job.Locals[solve.DownloadsName] = tools.Fetch, tools.Local
	}
	for _, a := range b.plan.Platforms {
		b.requests = append(b.requests, b.requestFor(a, common))
	}
	progress, err := solve.NewProgress(ctx, o.progress)
	if err != nil {
		return withCode(exitUsage, err)
	}
	if b.options.place.debug {
		fmt.Fprintf(os.Stderr, "builder %s, buildkit %s, context %s\n", builder.Addr, builder.Version, p.Root)
	}
	passwords := authprovider.NewDockerAuthProvider(authprovider.DockerAuthProviderConfig{
		AuthConfigProvider: b.destination.Passwords(builder, b.flags.passwords),
	})
	b.runner = &solve.Runner{Builder: builder, Progress: progress, Session: append(b.flags.session, passwords), Retries: o.retries, Warn: warn}
	return nil
}

// newJob is a job without requests and exports.
func (b *execution) newJob() (solve.Job, error) {
	p := b.project
	b.here = installation()
	source, err := solve.NewLocal(p.Root, p.Tree.Entries, b.here)
	if err != nil {
		return solve.Job{}, err
	}
	lockFiles, err := solve.NewLocal(p.Root, p.Tree.LockFiles, b.here)
	if err != nil {
		return solve.Job{}, err
	}
	return solve.Job{
		Index:     !b.plan.Single(),
		Locals:    map[string]*solve.Local{localSource: source, localLockFiles: lockFiles},
		SharedKey: b.here.SharedKey(p.Root),
		Allowed:   b.options.build.step.allowed(),
		Attrs:     b.flags.attests,
		Imports:   b.flags.caches.imports,
	}, nil
}

// request is what the requests for all platforms have in common.
func (b *execution) request() build.Request {
	request := b.flags.request
	request.Runtime, request.Tree, request.DepsDigest = b.project.Runtime, b.project.Tree.Copied, b.project.Tree.DepsDigest
	request.Source = local(localSource, "[source] read the source tree")
	lockFiles := local(localLockFiles, "[deps] read the lock files")
	request.LockFiles = build.LockFiles(tags.Paths(b.project.Tree.LockFiles), func(string) llb.State { return lockFiles })
	return request
}

func (b *execution) requestFor(a planning.PlatformPlan, common build.Request) build.Request {
	common.Platform, common.Variant, common.Entry = a.Platform, a.Variant, build.EntryImage{Ref: a.From}
	common.Annotations = b.flags.manifestAnnotations(a.Platform)
	return common
}

// installation is rtbuild's as this user has it on this machine. A user without a home has none to keep.
func installation() solve.Installation {
	dir, _ := embedded.StateDir()
	return solve.OpenInstallation(dir)
}

func local(name, title string) llb.State {
	return llb.Local(name, llb.SharedKeyHint(name), llb.WithCustomName(title))
}
