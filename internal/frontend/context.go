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

// projectContext is the name of a context that takes the build context's place.
const projectContext = "source"

// project is the project's root: the build context, or another directory, repository or archive.
type project struct {
	ui       *dockerui.Client
	platform ocispecs.Platform
	dir      string // the root in the build context; "." but for folders that were made for another builder
	local    bool   // the build context is a directory of the user's
}

// project gives the project's root.
func (f *frontend) project(ctx context.Context) (*project, error) {
	opts := f.ui.BuildOpts().Opts
	url := opts[cmp.Or(opts["contextkey"], dockerui.DefaultLocalNameContext)]
	// Of a file that is no archive, dockerui makes the runtime file.
	if name, ok := download(url); ok && name == f.file.source.Filename && specOf(f.ui, projectContext, f.host) == "" {
		return nil, noProject("the build context " + url)
	}
	dir, err := runtimefile.Root(f.file.data)
	if err != nil {
		return nil, err
	}
	local, err := isLocal(ctx, f.client, url)
	return &project{ui: f.ui, platform: f.host, dir: dir, local: local}, err
}

// isLocal reports whether the build context is a directory of the user's: no repository, no download, nothing that
// another target gives. So dockerui decides it.
func isLocal(ctx context.Context, c gateway.Client, url string) (bool, error) {
	_, isRepository, _ := dockerui.DetectGitContext(url, nil)
	if _, isDownload := download(url); isRepository || isDownload {
		return false, nil
	}
	inputs, err := c.Inputs(ctx)
	_, given := inputs[dockerui.DefaultLocalNameContext]
	return !given, err
}

// part is what of the project the options leave, if it lies at the user's; all of a repository or an archive.
func (p *project) part(ctx context.Context, opts ...llb.LocalOption) (llb.State, error) {
	// A directory's .dockerignore says which files are neither hashed nor copied. What is read of the project besides is
	// not its business, so it never decides what comes to the builder.
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

// mainContext is the build context. Before dockerui gives a directory of the user's, it loads the .dockerignore: here that would
// be a transfer for nothing, since part does not go by it.
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

// unpacked is what a named context holds: dockerui unpacks an archive from the web if it is the build context, but not one
// that has a name.
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
		return state, noProject("context " + projectContext + "=" + url)
	}
	archive := &llb.CopyInfo{AttemptUnpack: true}
	return llb.Scratch().File(llb.Copy(state, file, "/", archive), dockerui.WithInternalName("unpack context "+projectContext)), nil
}

// download tells under which name BuildKit downloads a context; it is false for one that is no file from the web.
func download(spec string) (file string, ok bool) {
	if _, isRepository, _ := dockerui.DetectGitContext(spec, nil); isRepository {
		return "", false
	}
	_, file, ok = dockerui.DetectHTTPContext(spec)
	return file, ok
}

// prepared is a project that lies in a directory of the build context. All of it comes: it holds nothing else.
func (p *project) prepared(ctx context.Context) (llb.State, error) {
	state, err := p.mainContext(ctx, llb.ExcludePatterns(nil), llb.FollowPaths([]string{p.dir}),
		llb.SharedKeyHint("prepared"), dockerui.WithInternalName("load the prepared project"))
	if err != nil {
		return llb.State{}, err
	}
	all := &llb.CopyInfo{CopyDirContentsOnly: true}
	return llb.Scratch().File(llb.Copy(state, p.dir, "/", all), dockerui.WithInternalName("take it out of its directory")), nil
}

// files reads files of the project.
func (p *project) files(ctx context.Context) *contextFS {
	return &contextFS{
		ctx: ctx, project: p, known: profile.Manifests(),
		parts: map[string]part{}, stats: map[string]stat{}, data: map[string][]byte{},
	}
}

// solve makes a part that can be read.
func (p *project) solve(ctx context.Context, state llb.State) (gateway.Reference, error) {
	return imagebuild.Solve(ctx, p.ui.GatewayClient(), state, p.platform, gateway.SolveRequest{})
}

// sourcePart says which files of a user's directory the source can consist of, so that no others come to the builder.
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
