package frontend

import (
	"cmp"
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/util/archiveutil"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// projectContext is the name of a context that replaces the build context.
const projectContext = "source"

// project is the project's root: a directory, repository or archive.
type project struct {
	ui       *dockerui.Client
	platform ocispecs.Platform
	dir      string // the root in the build context; not "." only in a folder of rtbuild-client prepare
	local    bool   // the build context is a directory of the client
}

// project returns the project's root.
func (f *frontend) project(ctx context.Context) (*project, error) {
	opts := f.ui.BuildOpts().Opts
	url := opts[cmp.Or(opts["contextkey"], dockerui.DefaultLocalNameContext)]
	// If the build context is a URL of a single file, dockerui takes that for the runtime file.
	if name, ok := download(url); ok && name == f.file.source.Filename && specOf(f.ui, projectContext, f.host) == "" {
		return nil, notAProject("the build context " + url)
	}
	dir, err := runtimefile.Root(f.file.data)
	if err != nil {
		return nil, err
	}
	local, err := isLocal(ctx, f.client, url)
	return &project{ui: f.ui, platform: f.host, dir: dir, local: local}, err
}

// isLocal reports whether the build context is a directory of the client, and not a repository, a download or another target's result. It
// follows the rules of dockerui.
func isLocal(ctx context.Context, c gateway.Client, url string) (bool, error) {
	_, isRepository, _ := dockerui.DetectGitContext(url, nil)
	if _, isDownload := download(url); isRepository || isDownload {
		return false, nil
	}
	inputs, err := c.Inputs(ctx)
	_, given := inputs[dockerui.DefaultLocalNameContext]
	return !given, err
}

// part returns the part of the project that opts select from a directory of the client. Repositories and archives are always loaded as a
// whole.
func (p *project) part(ctx context.Context, opts ...llb.LocalOption) (llb.State, error) {
	// .dockerignore excludes files from the source, but not from other reads. So it must not restrict what is sent to the builder.
	opts = append([]llb.LocalOption{llb.ExcludePatterns(nil)}, opts...)
	named, err := p.ui.NamedContext(projectContext, dockerui.ContextOpt{
		NoDockerignore: true, Platform: &p.platform,
		AsyncLocalOpts: func() []llb.LocalOption { return opts },
	})
	if err != nil {
		return llb.State{}, err
	}
	if named != nil {
		state, _, err := named.Load(ctx)
		if err != nil || state == nil {
			return llb.State{}, err
		}
		return p.unpacked(ctx, *state)
	}
	if p.dir != "." {
		return p.prepared(ctx)
	}
	return p.mainContext(ctx, opts...)
}

// mainContext returns the build context. For a directory of the client, it does not call dockerui, which would first transfer the
// .dockerignore. part does not use that.
func (p *project) mainContext(ctx context.Context, opts ...llb.LocalOption) (llb.State, error) {
	if p.local {
		build := p.ui.BuildOpts()
		session := cmp.Or(build.Opts["local-sessionid:"+dockerui.DefaultLocalNameContext], build.SessionID)
		return llb.Local(dockerui.DefaultLocalNameContext, append(opts, llb.SessionID(session))...), nil
	}
	state, err := p.ui.MainContext(ctx, opts...)
	if err != nil {
		return llb.State{}, err
	}
	return *state, nil
}

// unpacked returns the contents of a named context. dockerui unpacks a downloaded archive only if it is the build context.
func (p *project) unpacked(ctx context.Context, state llb.State) (llb.State, error) {
	url := specOf(p.ui, projectContext, p.platform)
	file, ok := download(url)
	if !ok {
		return state, nil
	}
	ref, err := p.solve(ctx, state)
	if err != nil {
		return state, err
	}
	head, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: file, Range: &gateway.FileRange{Length: 1024}})
	if err != nil {
		return state, err
	}
	if !archiveutil.IsArchive(head) {
		return state, notAProject("context " + projectContext + "=" + url)
	}
	archive := &llb.CopyInfo{AttemptUnpack: true}
	return llb.Scratch().File(llb.Copy(state, file, "/", archive), dockerui.WithInternalName("unpack context "+projectContext)), nil
}

// download returns the name under which BuildKit stores a downloaded context, or false if the context is not a downloaded file.
func download(spec string) (file string, ok bool) {
	if _, isRepository, _ := dockerui.DetectGitContext(spec, nil); isRepository {
		return "", false
	}
	_, file, ok = dockerui.DetectHTTPContext(spec)
	return file, ok
}

// prepared returns a project in a directory of the build context. It loads all of the directory, which holds only files of the project.
func (p *project) prepared(ctx context.Context) (llb.State, error) {
	state, err := p.mainContext(ctx, llb.ExcludePatterns(nil), llb.FollowPaths([]string{p.dir}),
		llb.SharedKeyHint("prepared"), dockerui.WithInternalName("load the prepared project"))
	if err != nil {
		return llb.State{}, err
	}
	all := &llb.CopyInfo{CopyDirContentsOnly: true}
	return llb.Scratch().File(llb.Copy(state, p.dir, "/", all), dockerui.WithInternalName("take it out of its directory")), nil
}

// files returns a file system that reads single files of the project.
func (p *project) files(ctx context.Context) *contextFS {
	return &contextFS{
		ctx: ctx, project: p, known: profile.Manifests(),
		parts: map[string]part{}, stats: map[string]stat{}, data: map[string][]byte{},
	}
}

// solve solves a part so that its files can be read.
func (p *project) solve(ctx context.Context, state llb.State) (gateway.Reference, error) {
	return imagebuild.Solve(ctx, p.ui.GatewayClient(), state, p.platform, gateway.SolveRequest{})
}

// sourcePart restricts a directory of the client to the files that the source may consist of. The builder gets no others.
func sourcePart(r *profile.Runtime) []llb.LocalOption {
	opts := []llb.LocalOption{
		llb.SharedKeyHint("source"), dockerui.WithInternalName("load the source"), llb.ExcludePatterns(r.Ignore),
	}
	var paths []string
	for _, s := range r.Source {
		if s.Path == "." {
			return opts
		}
		paths = append(paths, s.Path)
	}
	return append(opts, llb.FollowPaths(paths))
}
