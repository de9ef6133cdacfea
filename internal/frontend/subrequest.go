package frontend

import (
	"context"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	bklint "github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	bktargets "github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/lint"
	rtllb "github.com/rtbuild/rtbuild/llb"
)

// subrequest answers what is asked of a build without building: buildx's --call and --check.
func (f *frontend) subrequest(ctx context.Context) (*gateway.Result, bool, error) {
	return f.ui.HandleSubrequest(ctx, dockerui.RequestHandler{
		Outline: f.outline, ListTargets: f.listTargets, Lint: f.lint,
	})
}

// listTargets is the answer to --call=targets.
func (f *frontend) listTargets(context.Context) (*bktargets.List, error) {
	list := &bktargets.List{Sources: [][]byte{f.file.source.Data}}
	for _, t := range targets() {
		list.Targets = append(list.Targets, bktargets.Target{
			Name: t.name, Description: t.about, Default: t.name == defaultTarget,
			Location: &pb.Location{Ranges: ranges(1, 1)},
		})
	}
	return list, nil
}

// outline is the answer to --call=outline: what a build may be given, with what it has already.
func (f *frontend) outline(ctx context.Context) (*outline.Outline, error) {
	t, err := targetOf(f.ui.Target)
	if err != nil {
		return nil, err
	}
	j := &job{frontend: f, project: &project{ui: f.ui, platform: f.host}}
	j.files = j.project.files(ctx)
	if err := j.load(); err != nil {
		return nil, err
	}
	fields := map[string]struct{ field, value string }{
		"BASE_IMAGE":      {"base", j.runtime.Base},
		"PROFILE":         {"profile", j.runtime.Profile},
		"REPOSITORY":      {"repository", j.runtime.Repository},
		"RUNTIME_VERSION": {"version", j.runtime.Version},
		"EXTRA_DEPS":      {"extra", j.runtime.Extra},
	}
	o := &outline.Outline{
		Name: t.name, Sources: [][]byte{f.file.source.Data},
		Description: t.about + ". Contexts: base (an image in place of the base), deps (the deps image to stand on), source (the project's root)",
	}
	for _, a := range args {
		given := outline.Arg{Name: a.name, Description: a.about, Value: f.ui.BuildArgs[a.name]}
		if from, ok := fields[a.name]; ok {
			first, last := f.file.lines(from.field)
			given.Value, given.Location = from.value, &pb.Location{Ranges: ranges(first, last)}
		}
		o.Args = append(o.Args, given)
	}
	for _, name := range proxyArgs {
		o.Args = append(o.Args, outline.Arg{Name: name, Description: "proxy of every step; in no cache key"})
	}
	for _, id := range rtllb.Secrets() {
		o.Secrets = append(o.Secrets, outline.Secret{Name: id})
	}
	o.SSH = []outline.SSH{{Name: "default"}}
	return o, nil
}

// lint is the answer to --check. What keeps a build from starting is told there too.
func (f *frontend) lint(ctx context.Context) (*bklint.LintResults, error) {
	results := &bklint.LintResults{Warnings: []bklint.Warning{}}
	findings, err := f.findings(ctx)
	if err != nil {
		return f.buildError(results, err)
	}
	for _, found := range findings {
		at := &pb.Location{SourceIndex: -1}
		if found.Data != nil {
			sm := &llb.SourceMap{Filename: found.File, Language: language, Data: found.Data, Definition: &llb.Definition{}}
			if found.File == f.file.source.Filename {
				sm = f.file.source.SourceMap
			}
			at = &pb.Location{SourceIndex: int32(results.AddSource(sm)), Ranges: ranges(found.First, found.Last)} //nolint:gosec // a handful
		}
		results.Warnings = append(results.Warnings, bklint.Warning{
			RuleName: found.Rule, Description: found.Description, Detail: found.Detail, Location: at,
		})
	}
	return results, nil
}

// buildError tells an error that points into a file as a finding, and gives back any other.
func (f *frontend) buildError(results *bklint.LintResults, err error) (*bklint.LintResults, error) {
	err = f.file.locate(err)
	sources := errdefs.Sources(err)
	if len(sources) == 0 {
		return nil, err
	}
	info := sources[0].Info
	sm := &llb.SourceMap{Filename: info.Filename, Language: info.Language, Data: info.Data, Definition: &llb.Definition{}}
	if info.Filename == f.file.source.Filename {
		sm = f.file.source.SourceMap
	}
	results.Error = &bklint.BuildError{
		Message:  strings.TrimSpace(err.Error()),
		Location: pb.Location{SourceIndex: int32(results.AddSource(sm)), Ranges: sources[0].Ranges}, //nolint:gosec // a handful
	}
	return results, nil
}

func (f *frontend) findings(ctx context.Context) ([]lint.Finding, error) {
	j, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	in := lint.Input{Runtime: j.runtime, Project: j.files}
	if in.Copied, err = j.source.Paths(ctx); err != nil {
		return nil, err
	}
	for _, p := range j.platforms() {
		in.Platforms = append(in.Platforms, platforms.Format(p))
	}
	return lint.Check(in), nil
}
