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

// Scanner makes bills of materials with the user's scanner image, which runs on the builder's own platform.
type Scanner struct {
	Client   gateway.Client
	Platform ocispecs.Platform
	SBOM     *dockerui.SBOM // what the user asked for; nil is nothing
	Resolve  string
}

// NewScanner makes the scanner that the attributes of a solve ask for ("attest:sbom"), as frontends get it.
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
		return nil, errors.New("the builder does not tell what it runs on, so no scanner of a bill of materials can run")
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

// Attest adds a bill of materials for each image to a result.
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
