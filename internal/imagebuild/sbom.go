package imagebuild

import (
	"context"
	"errors"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/attestations"
	"github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerui"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Scanner makes SBOMs with the user's scanner image. The scanner runs on the builder's own platform.
type Scanner struct {
	Client   gateway.Client
	Platform ocispecs.Platform
	SBOM     *dockerui.SBOM // the user's request; nil: none
	Resolve  string
}

// NewScanner returns the scanner that the attributes of a solve ask for ("attest:sbom"), as a frontend gets them.
func NewScanner(c gateway.Client) (*Scanner, error) {
	opts := c.BuildOpts()
	attests, err := attestations.Parse(opts.Opts)
	if err != nil {
		return nil, err
	}
	s := &Scanner{Client: c}
	attrs, ok := attests[attestations.KeyTypeSbom]
	if !ok {
		return s, nil
	}
	if len(opts.Workers) == 0 || len(opts.Workers[0].Platforms) == 0 {
		return nil, errors.New("the builder does not report its platform, so the SBOM scanner cannot run")
	}
	s.Platform = platforms.Normalize(opts.Workers[0].Platforms[0])
	name, err := generator(attrs)
	if err != nil {
		return nil, err
	}
	delete(attrs, "generator")
	s.SBOM = &dockerui.SBOM{Generator: name.String(), Parameters: attrs}
	return s, nil
}

// Attest adds an SBOM for each image to a result. The error is an [*ImageError] if the builder cannot resolve the scanner image.
func (s *Scanner) Attest(ctx context.Context, res *gateway.Result, images []*Image) error {
	if s.SBOM == nil {
		return nil
	}
	scan, err := sbom.CreateSBOMScanner(ctx, s.Client, s.SBOM.Generator, s.Platform, sourceresolver.Opt{
		LogName:  "[sbom] resolve " + s.SBOM.Generator,
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &s.Platform, ResolveMode: s.Resolve},
	}, s.SBOM.Parameters)
	if err != nil {
		return &ImageError{Ref: s.SBOM.Generator, Platform: platforms.Format(s.Platform), Err: err}
	}
	for _, img := range images {
		id := platforms.FormatAll(platforms.Normalize(img.Platform))
		found, err := scan(ctx, id, img.Scan, nil, llb.Platform(s.Platform))
		if err != nil {
			return err
		}
		solved, err := result.ConvertAttestation(&found, func(state *llb.State) (gateway.Reference, error) {
			return Solve(ctx, s.Client, *state, s.Platform, gateway.SolveRequest{})
		})
		if err != nil {
			return err
		}
		res.AddAttestation(id, *solved)
	}
	return nil
}
