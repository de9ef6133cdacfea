package build

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/sys/user"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	rtllb "github.com/rtbuild/rtbuild/llb"
)

// deps solves a deps image.
func (b *builder) deps(ctx context.Context) (*built, error) {
	if b.req.Variant == plan.Versioned {
		return b.versioned(ctx)
	}
	return b.scratch(ctx)
}

func (b *builder) scratch(ctx context.Context) (*built, error) {
	if err := b.inspectBase(ctx); err != nil {
		return nil, err
	}
	state, layers, err := b.graph.UpTo(b.req.Stage)
	if err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, true)
	if err != nil {
		return nil, err
	}
	owner, err := b.ownerIn(ctx, ref)
	if err != nil {
		return nil, err
	}
	name, err := reference.ParseNormalizedNamed(b.req.Runtime.Base)
	if err != nil {
		return nil, err
	}
	img, err := b.graph.DepsConfig(layers, rtllb.DepsFacts{
		Stage: b.req.Stage, Owner: owner, Tools: b.req.Runtime.ToolsDigest(),
		BaseName: reference.TagNameOnly(name).String(), BaseDigest: b.digest,
	})
	return &built{state, ref, img}, err
}

// versioned enters on the first layers of an earlier deps image. One that rtbuild did not make does not say how many of
// them are its system and tools: the build then stands on all of it, its old source removed.
func (b *builder) versioned(ctx context.Context) (*built, error) {
	b.takeOwner()
	if n, err := strconv.Atoi(b.start.Config.Labels[plan.LabelLayers]); err == nil {
		b.graph.Base.Layers = n
	}
	state, layers, err := b.graph.Versioned()
	if err != nil {
		return nil, err
	}
	ref, err := b.solve(ctx, state, true)
	if err != nil {
		return nil, err
	}
	img, err := b.graph.VersionedConfig(layers, b.graph.Owner)
	b.graph.OldFiles = nil
	return &built{state, ref, img}, err
}

// standOn lets the source stand on a deps image that was built here and is published nowhere.
func (b *builder) standOn(deps *built) error {
	deps.image.RootFS.DiffIDs = nil
	b.start = deps.image
	config, err := json.Marshal(deps.image)
	if err != nil {
		return err
	}
	b.graph.Base = rtllb.ImageFacts{Config: config}
	return nil
}

// inspectBase learns what the base is: its files are looked at, which pulls it, as the build from scratch does anyway.
func (b *builder) inspectBase(ctx context.Context) error {
	base := b.req.Runtime.Base
	if b.start.Config.Labels[plan.LabelStage] != "" {
		return rtllb.Fault("base", "base image %s was made by rtbuild: use its own base, %s", base,
			b.start.Config.Labels[ocispecs.AnnotationBaseImageName])
	}
	ref, err := b.solve(ctx, b.graph.Start(), true)
	if err != nil {
		return err
	}
	data, err := osRelease(ctx, ref)
	if err != nil {
		return rtllb.Fault("base", "base image %s has no os-release file, so its distribution is unknown: use a base of Debian or Ubuntu: %w", base, err)
	}
	if b.graph.Distro, err = rtllb.ParseOSRelease(data); err != nil {
		return rtllb.Fault("base", "base image %s cannot be used: %w", base, err)
	}
	for _, program := range []string{"/bin/sh", "/usr/bin/apt-get"} {
		if _, err := ref.StatFile(ctx, gateway.StatRequest{Path: program}); err != nil {
			return rtllb.Fault("base", "base image %s (%s) has no %s, which the build needs: use a base that has it: %w", base,
				b.graph.Distro.Pretty, program, err)
		}
	}
	return nil
}

// osRelease reads the file at the two places that os-release(5) names.
func osRelease(ctx context.Context, ref gateway.Reference) ([]byte, error) {
	data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: "/etc/os-release"})
	if err != nil {
		data, err = ref.ReadFile(ctx, gateway.ReadRequest{Filename: "/usr/lib/os-release"})
	}
	return data, err
}

// ownerIn looks up the ids that the system stage gave to the user.
func (b *builder) ownerIn(ctx context.Context, ref gateway.Reference) (rtllb.Owner, error) {
	name := b.req.Runtime.User.Name
	if name == "root" {
		return rtllb.Owner{}, nil
	}
	passwd, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: "/etc/passwd"})
	if err != nil {
		return rtllb.Owner{}, rtllb.Fault("user", "looking up user %s in the image: %w", name, err)
	}
	users, err := user.ParsePasswdFilter(bytes.NewReader(passwd), func(u user.User) bool { return u.Name == name })
	if err != nil || len(users) == 0 {
		return rtllb.Owner{}, rtllb.Fault("user", "looking up user %s in the image: not in /etc/passwd", name)
	}
	return rtllb.Owner{UID: users[0].Uid, GID: users[0].Gid}, nil
}

// isCopied reports whether a label is copied to the manifest's annotations: ours, and those that we set of OCI's.
func isCopied(label string) bool {
	switch label {
	case ocispecs.AnnotationVersion, ocispecs.AnnotationBaseImageName, ocispecs.AnnotationBaseImageDigest:
		return true
	}
	return strings.HasPrefix(label, plan.LabelPrefix)
}
