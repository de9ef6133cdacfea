package publish

import (
	"context"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
)

// Look inspects what a request would build, without building it. [Inspect] calls it in the builder's gateway, once for each platform.
// endpoints.List passes one that lists addresses. The error ends the inspection.
type Look func(ctx context.Context, c gateway.Client, req imagebuild.Request) error

// Inspect calls look in the builder, for a build from scratch of each platform. It returns the errors of Run.
func Inspect(ctx context.Context, b Build, platforms []ocispecs.Platform, look Look) error {
	b.Destination.AddReferences(b.references(nil)...)
	builder, err := b.Destination.Builder(ctx)
	if err != nil {
		return err
	}
	defer builder.Close()
	s, err := b.open(ctx, builder)
	if err != nil {
		return err
	}
	job := s.job
	job.Inspect = look
	for _, platform := range platforms {
		request := s.common
		request.Platform, request.Variant, request.Entry = platform, plan.Scratch, imagebuild.EntryImage{Ref: b.Project.Runtime.Base}
		job.Requests = append(job.Requests, request)
	}
	_, err = s.runner.Run(ctx, job)
	if err := s.close(err); err != nil {
		return &BuildError{err}
	}
	return nil
}
