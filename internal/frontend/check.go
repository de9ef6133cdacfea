package frontend

import (
	"context"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	bklint "github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/lint"
	"github.com/rtbuild/rtbuild/internal/plan"
)

// lint answers --check. An error that would keep a build from starting is part of the result.
func (f *frontend) lint(ctx context.Context) (*bklint.LintResults, error) {
	results := &bklint.LintResults{Warnings: []bklint.Warning{}}
	config, err := f.lintConfig()
	if err != nil {
		return nil, err
	}
	findings, err := f.findings(ctx)
	if err != nil {
		return f.buildError(results, err)
	}
	for _, found := range lint.Select(findings, config) {
		at := &pb.Location{SourceIndex: -1}
		if found.Data != nil {
			index := results.AddSource(f.sourceMap(found.File, found.Data))
			at = &pb.Location{SourceIndex: int32(index), Ranges: ranges(found.First, found.Last)}
		}
		results.Warnings = append(results.Warnings, bklint.Warning{
			RuleName: found.Rule, Description: found.Description, Detail: found.Detail, Location: at,
		})
	}
	return results, nil
}

// lintConfig returns the settings that Docker's linter has, too: those of the line "# check=skip=RULE,RULE", or of the build argument.
func (f *frontend) lintConfig() (*linter.Config, error) {
	if f.ui.LinterConfig != nil {
		return f.ui.LinterConfig, nil
	}
	return lint.Settings(f.file.source.Data, nil)
}

// sourceMap returns a file of the project in the form of warnings.
func (f *frontend) sourceMap(name string, data []byte) *llb.SourceMap {
	if name == f.file.source.Filename {
		return f.file.source.SourceMap
	}
	return &llb.SourceMap{Filename: name, Data: data, Definition: &llb.Definition{}}
}

// buildError reports an error that points into a file as part of the result. It returns any other error.
func (f *frontend) buildError(results *bklint.LintResults, err error) (*bklint.LintResults, error) {
	err = f.file.locate(err)
	sources := errdefs.Sources(err)
	if len(sources) == 0 {
		return nil, err
	}
	index := results.AddSource(f.sourceMap(sources[0].Info.Filename, sources[0].Info.Data))
	results.Error = &bklint.BuildError{
		Message:  strings.TrimSpace(err.Error()),
		Location: pb.Location{SourceIndex: int32(index), Ranges: sources[0].Ranges},
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
		in.Platforms = append(in.Platforms, platforms.Format(platforms.Normalize(p)))
	}
	if image := j.tags.Images.Source; image != "" {
		if in.Published, err = j.published(ctx, image); err != nil {
			return nil, err
		}
	}
	return lint.Check(in), nil
}

// checkLocks returns an error if a plan installs from a lock file that does not agree with its manifest.
func (j *job) checkLocks(plans []platformPlan) error {
	if !slices.ContainsFunc(plans, func(p platformPlan) bool { return p.plan.Variant == plan.Scratch || p.plan.Variant == plan.Versioned }) {
		return nil
	}
	settings, err := j.lintConfig()
	if err != nil {
		return err
	}
	return lint.CheckLocks(lint.Input{Runtime: j.runtime, Project: j.files}, settings)
}

// published returns what the tag of the source image holds, if it holds an image. The gateway cannot list the platforms of a tag, so
// published tries the two most common ones.
func (j *job) published(ctx context.Context, ref string) ([]lint.Published, error) {
	var holds []string
	for _, text := range []string{"linux/amd64", "linux/arm64"} {
		platform := platforms.MustParse(text)
		_, _, err := (&looker{job: j}).resolve(ctx, "[check] does "+ref+" hold "+text+"?", ref, platform)
		failed := &imagebuild.ImageError{Ref: ref, Platform: text, Err: err}
		switch {
		case err == nil:
			holds = append(holds, text)
		case failed.OtherPlatforms():
		case failed.Kind() == imagebuild.Absent:
			return nil, nil
		default:
			return nil, nil // the check is about the project: an unreachable registry is no finding
		}
	}
	return []lint.Published{{Reference: ref, Platforms: holds}}, nil
}
