package frontend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/containerd/platforms"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// looker is a [planning.Looker] that asks the registry through the builder, with the user's credentials. The progress shows each lookup as
// a step.
type looker struct {
	*job
	resolved atomic.Int32 // number of images found; the builder records each as a material
}

// Lookup implements planning.Looker.
func (l *looker) Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*plan.Image, error) {
	role := l.role(ref)
	dgst, config, err := l.resolve(ctx, fmt.Sprintf("[plan] does the %s %s exist?", planning.ImageName(role), ref), ref, platform)
	if err != nil {
		return nil, lookupError(&imagebuild.ImageError{Ref: ref, Platform: platforms.Format(platform), Err: err})
	}
	img, err := llb.ParseImage(config)
	if err != nil {
		return nil, err
	}
	if err := checkParts(img, platform); err != nil {
		return nil, planning.Because(planning.ErrBroken, fmt.Errorf(
			"the %s %s is broken, its parts are for different platforms: %w: push it again, or delete the tag", planning.ImageName(role), ref, err))
	}
	if !plan.SamePlatform(img.Platform, platform) {
		return nil, planning.Because(planning.ErrOtherPlatform, fmt.Errorf("image %s is for %s", ref, platforms.Format(img.Platform)))
	}
	return &plan.Image{Reference: ref, Digest: dgst, Labels: img.Config.Labels, Cmd: img.Config.Cmd, Config: config}, nil
}

// Resolve implements planning.Looker.
func (l *looker) Resolve(ctx context.Context, ref string, platform ocispecs.Platform) (digest.Digest, error) {
	dgst, _, err := l.resolve(ctx, "[plan] has the base moved?", ref, platform)
	if err != nil {
		return "", &imagebuild.ImageError{Ref: ref, Platform: platforms.Format(platform), Err: err}
	}
	return dgst, nil
}

// role returns the role of a reference. Every tag that is not the runtime's own source or deps tag is a versioned tag.
func (l *looker) role(ref string) string {
	switch {
	case ref == l.tags.Images.Source:
		return planning.RoleSource
	case strings.HasSuffix(ref, ":"+l.tags.Lock):
		return planning.RoleLock
	case ref == l.tags.Images.Build:
		return planning.RoleBuild
	}
	return planning.RoleVersioned
}

// resolve asks the registry and bypasses the builder's cache.
func (l *looker) resolve(ctx context.Context, title, ref string, platform ocispecs.Platform) (digest.Digest, []byte, error) {
	name, err := tags.FullName(ref) // the builder treats the first component of a name as a registry, whatever it is
	if err != nil {
		return "", nil, err
	}
	_, dgst, config, err := l.client.ResolveImageConfig(ctx, name, sourceresolver.Opt{
		LogName: title,
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform: &platform, ResolveMode: bkllb.ResolveModeForcePull.String(),
		},
	})
	if err == nil {
		l.resolved.Add(1)
	}
	return dgst, config, err
}

// lookupError returns the reason why there is no image, as an error of package planning.
func lookupError(err *imagebuild.ImageError) error {
	reason := planning.ErrUnreachable
	switch {
	case err.OtherPlatforms():
		reason = planning.ErrOtherPlatform
	case err.Kind() == imagebuild.Absent:
		reason = planning.ErrAbsent
	case err.Kind() == imagebuild.Denied:
		reason = planning.ErrDenied
	}
	return planning.Because(reason, err)
}

// checkParts returns an error if the parts of an image are for different platforms. The builder selects an image by the index's platform,
// and accepts another platform that this one can run.
func checkParts(img *llb.Image, wanted ocispecs.Platform) error {
	claims := []plan.Claim{{By: "the config", Platform: img.Platform}}
	if !platforms.Only(wanted).Match(platforms.Normalize(img.Platform)) {
		claims = append(claims, plan.Claim{By: "the tag", Platform: wanted})
	}
	return plan.Disagreement(claims, img.Config.Labels, nil)
}

// explain attributes a planning error to the build argument or the line that names the repository, and adds what to do.
func explain(err error) error {
	var lookup *planning.LookupError
	if !errors.As(err, &lookup) {
		return err
	}
	text := lookup.Err
	var image *imagebuild.ImageError
	switch {
	case errors.As(err, &image):
		text = fmt.Errorf("looking for the %s: %w%s%s", planning.ImageName(lookup.Role), image, imagebuild.BuilderStore.Advice(image.Err.Error()), deniedAdvice(lookup))
	case !errors.Is(err, planning.ErrBroken):
		return lookup.Err
	}
	if !lookup.Own { // the text alone: an *ImageError would point at the line of the base
		return errors.New(options.BuildArguments.Name(options.ReuseFrom) + ": " + text.Error())
	}
	return &llb.FieldError{Field: "repository", Err: text}
}

// deniedAdvice returns what to do if a registry denies access. Registries also deny access to repositories that do not exist yet. Only a
// user who may push can tell the two apart.
func deniedAdvice(e *planning.LookupError) string {
	switch {
	case !errors.Is(e, planning.ErrDenied):
		return ""
	case !e.Own:
		return "; if the repository does not exist, leave it out"
	}
	return "; if the repository does not exist yet, " + options.BuildArguments.Give(options.ForceRebuild) + " builds without looking"
}
