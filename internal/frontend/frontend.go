// Package frontend is rtbuild inside buildkitd: the program that a "# syntax=" line names. It reads the runtime file and the project
// through the gateway, plans with the user's credentials, and calls the same build function as the client.
package frontend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/sourcestep"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// Program is the path of the frontend's program in its image.
const Program = "/bin/rtbuild-frontend"

// Version is the release of the frontend. The linker sets it (hack/frontend-binary).
var Version = "dev"

// Build handles a request of the gateway. It returns the result of a target or of a subrequest. An error that a file causes carries the
// file's name and lines, as [errdefs.Sources] reads them.
func Build(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
	ui, err := dockerui.NewClient(c)
	if err != nil {
		return nil, err
	}
	f := &frontend{client: c, ui: ui, host: ui.BuildPlatforms[0]}
	if f.options, f.unknown, err = readOptions(ui); err != nil {
		return nil, err
	}
	if err := imagebuild.CheckAttests(c.BuildOpts().Opts, f.options.Proxies()); err != nil {
		return nil, err
	}
	if f.file, err = readFile(ctx, ui); err != nil {
		return nil, err
	}
	res, err := f.handle(ctx)
	return res, f.file.locate(err)
}

// frontend is the state of one request.
type frontend struct {
	client  gateway.Client
	ui      *dockerui.Client
	host    ocispecs.Platform // platform of the builder itself
	options buildOptions
	unknown []string // names of build arguments that rtbuild does not know

	testExisting bool // run the tests of a source image that exists
	file         *file
}

func (f *frontend) handle(ctx context.Context) (*gateway.Result, error) {
	if res, ok, err := f.subrequest(ctx); ok || err != nil {
		return res, err
	}
	target, err := targetOf(f.ui.Target)
	if err != nil {
		return nil, err
	}
	if err := labels.CheckKeys(f.ui.Labels); err != nil {
		return nil, err
	}
	return target.build(f, ctx)
}

// warn prints a warning with the first line of the file.
func (f *frontend) warn(ctx context.Context, message string) {
	f.file.source.Warn(ctx, message, gateway.WarnOpts{})
}

// job is what all platforms of a build share.
type job struct {
	*frontend
	project *project
	files   *contextFS
	runtime *profile.Runtime
	inputs  tags.Inputs
	source  *sourcestep.Result
	tags    tags.Set
	locks   llb.State // the lock files
}

// read reads the runtime, hashes the source, and computes the tags.
func (f *frontend) read(ctx context.Context) (*job, error) {
	j, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	if j.source, err = j.hashSource(ctx); err != nil {
		return nil, err
	}
	for _, warning := range j.source.Warnings {
		f.warn(ctx, warning)
	}
	if j.tags, err = j.source.Names(ctx, j.files, j.inputs); err != nil {
		return nil, err
	}
	j.locks, err = j.lockFiles()
	return j, err
}

// open reads the runtime, but not the source.
func (f *frontend) open(ctx context.Context) (*job, error) {
	root, err := f.project(ctx)
	if err != nil {
		return nil, err
	}
	j := &job{frontend: f, project: root, files: root.files(ctx)}
	err = j.load()
	j.warnOfArgs(ctx)
	return j, err
}

// warnOfArgs warns of build arguments that nothing uses. If the runtime cannot be read, such an argument may be the reason.
func (j *job) warnOfArgs(ctx context.Context) {
	for _, name := range j.unknown {
		if j.runtime == nil || !slices.Contains(j.runtime.Args, name) {
			j.warn(ctx, unknownArg(name))
		}
	}
}

// load reads the runtime. If the context base names an image in a registry, that is the base in the tags, too.
func (j *job) load() (err error) {
	opts := j.options.profile
	opts.Name, opts.Data = j.file.source.Filename, j.file.data
	if ref, ok := strings.CutPrefix(specOf(j.ui, baseContext, j.host), "docker-image://"); ok {
		opts.Base = ref
	}
	if j.runtime, err = profile.Load(j.files, opts); err != nil {
		return err
	}
	j.file.runtime = j.runtime
	j.inputs = j.runtime.TagInputs()
	return nil
}

// hashSource hashes the source in the builder. If links in a directory of the client point to files that were not sent, it requests these.
// A target that still does not arrive does not exist.
func (j *job) hashSource(ctx context.Context) (*sourcestep.Result, error) {
	self, err := ownImage(j.client)
	if err != nil {
		return nil, err
	}
	step := &sourcestep.Step{Client: j.client, Self: self, Program: Program, Platform: j.host}
	state, err := j.project.part(ctx, sourcePart(j.runtime)...)
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for {
		got, err := step.Tree(ctx, state, sourcestep.Order{Source: j.inputs.Source, Digests: j.sentTwice()})
		if err != nil {
			return nil, sourceError(err)
		}
		missing := slices.DeleteFunc(slices.Clone(got.Broken), func(p string) bool { return asked[p] })
		if len(missing) == 0 {
			return got, outsideError(got.Outside)
		}
		for _, p := range missing {
			asked[p] = true
		}
		more, err := j.project.part(ctx, llb.FollowPaths(missing), llb.SharedKeyHint("linked"), dockerui.WithInternalName("load what links lead to"))
		if err != nil {
			return nil, err
		}
		state = llb.Merge([]llb.State{state, more}, dockerui.WithInternalName("add what links lead to"))
	}
}

// sentTwice returns the files that the frontend reads, and that may be part of the source as well: the manifests that it has read, and
// the lock files, which it reads later.
func (j *job) sentTwice() []string {
	files := slices.Collect(maps.Keys(j.files.data))
	for _, dir := range append([]string{"."}, j.inputs.LookIn...) {
		for _, name := range j.inputs.LockFiles {
			files = append(files, path.Join(dir, name))
		}
	}
	slices.Sort(files)
	return slices.Compact(files)
}

// checkTransfers compares the files that the runtime was made from, such as package.json, with those of the source. The two are separate
// transfers. A builder reuses a file of an earlier transfer if size and time stamp are equal.
func (j *job) checkTransfers() error {
	for _, name := range slices.Sorted(maps.Keys(j.source.Digests)) {
		data, isRead := j.files.data[name]
		sum := sha256.Sum256(data)
		if isRead && hex.EncodeToString(sum[:]) != j.source.Digests[name] {
			return changedError(name)
		}
	}
	return nil
}

// ownImage returns the image that this program runs in.
func ownImage(c gateway.Client) (llb.State, error) {
	known, ok := c.(interface {
		CurrentFrontend() (*llb.State, error)
	})
	if !ok {
		return llb.State{}, errors.New("the frontend must run as an image of BuildKit's gateway")
	}
	state, err := known.CurrentFrontend()
	if err == nil && state == nil {
		err = fmt.Errorf("the builder does not report the frontend's own image: use BuildKit %s or newer", imagebuild.OldestBuildKit)
	}
	if err != nil {
		return llb.State{}, err
	}
	return *state, nil
}

// platforms returns the platforms to build.
func (j *job) platforms() []ocispecs.Platform {
	if len(j.ui.TargetPlatforms) > 0 {
		return j.ui.TargetPlatforms
	}
	return []ocispecs.Platform{j.host}
}

// lockFiles returns the lock files from those parts of the project in which they were hashed. Another part would be another transfer, and
// the project may have changed since.
func (j *job) lockFiles() (llb.State, error) {
	parts := map[string]llb.State{}
	for _, file := range tags.Paths(j.source.LockFiles) {
		part, err := j.files.partOf("read", file)
		if err != nil {
			return llb.State{}, err
		}
		parts[file] = part.state
	}
	return imagebuild.LockFiles(tags.Paths(j.source.LockFiles), func(file string) llb.State { return parts[file] }), nil
}
