// Package fakegateway is BuildKit's gateway for tests of code that decides what a builder is asked for. It decides nothing: registries and
// solves answer what a test says, and the test reads what was asked. Real builders and registries are for the end-to-end tests.
//
// Errors reach a frontend as text, without types. So they do here: the errors of this package have the texts of BuildKit v0.34.
package fakegateway

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Client implements gateway.Client. New makes one.
type Client struct {
	gateway.Client // nil: what is not implemented here panics

	Options gateway.BuildOpts
	Images  map[string]Image     // by reference, or by "REFERENCE PLATFORM", which goes first; others are absent
	Targets map[string]llb.State // results of other targets that the build is given
	Self    *llb.State           // the frontend's own image; nil is a builder that does not tell it

	// Files returns what a solve makes. An error is that of a step. Nil makes nothing.
	Files func(Solve) (fs.FS, error)

	mu       sync.Mutex
	lookups  []Lookup
	solves   []Solve
	warnings []Warning
	reads    map[string]int
}

// New returns a builder that runs linux/amd64 and has all capabilities of BuildKit's release in go.mod. Its registries are empty.
func New() *Client {
	self := llb.Scratch()
	return &Client{
		Options: gateway.BuildOpts{
			Opts: map[string]string{}, SessionID: "session",
			Workers: []gateway.WorkerInfo{{Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}}},
			LLBCaps: pb.Caps.CapSet(pb.Caps.All()), Caps: gatewaypb.Caps.CapSet(gatewaypb.Caps.All()),
		},
		Images: map[string]Image{}, Targets: map[string]llb.State{}, Self: &self, reads: map[string]int{},
	}
}

// Image is what a registry answers for a reference.
type Image struct {
	Config string        // raw
	Digest digest.Digest // empty is the config's digest
	Err    error
}

func (i Image) digest() digest.Digest {
	if i.Digest != "" {
		return i.Digest
	}
	return digest.FromString(i.Config)
}

// What the builder says of an image that a registry does not give. Absent images need not be listed.
var (
	ErrOtherPlatform = errors.New("no match for platform in manifest: not found")
	ErrDenied        = errors.New("unexpected status from HEAD request to https://r.example.com/v2/a/manifests/b: 403 Forbidden")
	ErrUnreachable   = errors.New("failed to do request: dial tcp 127.0.0.1:1: connect: connection refused")
	ErrUnavailable   = errors.New("unexpected status from HEAD request to https://r.example.com/v2/a/manifests/b: 503 Service Unavailable")
)

// Lookup is a question for an image.
type Lookup struct {
	Ref      string
	Platform string
	Mode     string // the resolve mode
	Title    string // what the progress shows
	Layout   bool   // the image lies in an OCI layout of the user's
}

// Warning is a message to the user.
type Warning struct {
	Text string
	File string
	Line int // 0 is none
}

// BuildOpts implements gateway.Client.
func (c *Client) BuildOpts() gateway.BuildOpts { return c.Options }

// CurrentFrontend returns the frontend's own image.
func (c *Client) CurrentFrontend() (*llb.State, error) { return c.Self, nil }

// Inputs implements gateway.Client.
func (c *Client) Inputs(context.Context) (map[string]llb.State, error) { return c.Targets, nil }

// ResolveImageConfig implements gateway.Client. A reference with a digest is that of its tag if the digests agree.
func (c *Client) ResolveImageConfig(ctx context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return sourceresolver.NewImageMetaResolver(c).ResolveImageConfig(ctx, ref, opt)
}

// ResolveSourceMetadata implements gateway.Client for images.
func (c *Client) ResolveSourceMetadata(ctx context.Context, op *pb.SourceOp, opt sourceresolver.Opt) (*sourceresolver.MetaResponse, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, ref, _ := strings.Cut(op.Identifier, "://")
	asked := lookup(ref, opt)
	c.mu.Lock()
	c.lookups = append(c.lookups, asked)
	c.mu.Unlock()
	img, err := c.image(ref, asked.Platform)
	if err != nil {
		return nil, errors.New(err.Error())
	}
	return &sourceresolver.MetaResponse{
		Op: op, Image: &sourceresolver.ResolveImageResponse{Digest: img.digest(), Config: []byte(img.Config)},
	}, nil
}

func lookup(ref string, opt sourceresolver.Opt) Lookup {
	l := Lookup{Ref: ref, Title: opt.LogName}
	if image := opt.ImageOpt; image != nil {
		l.Mode = image.ResolveMode
		if image.Platform != nil {
			l.Platform = platforms.Format(*image.Platform)
		}
	}
	if layout := opt.OCILayoutOpt; layout != nil {
		l.Layout = true
		if layout.Platform != nil {
			l.Platform = platforms.Format(*layout.Platform)
		}
	}
	return l
}

func (c *Client) image(ref, platform string) (Image, error) {
	tag, dgst, pinned := strings.Cut(ref, "@")
	for _, key := range []string{ref + " " + platform, ref, tag + " " + platform, tag} {
		img, ok := c.Images[key]
		if !ok || pinned && !strings.Contains(key, "@") && img.digest().String() != dgst {
			continue
		}
		return img, img.Err
	}
	return Image{}, fmt.Errorf("%s: not found", ref)
}

// Solve implements gateway.Client. As with BuildKit, what is not evaluated fails only when it is read.
func (c *Client) Solve(ctx context.Context, req gateway.SolveRequest) (*gateway.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	solve := Solve{SolveRequest: req}
	var err error
	if solve.Vertices, err = Vertices(req.Definition); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.solves = append(c.solves, solve)
	c.mu.Unlock()
	ref := &Reference{Solve: solve, client: c}
	if c.Files != nil {
		ref.files, ref.err = c.Files(solve)
	}
	if req.Evaluate && ref.err != nil {
		return nil, ref.err
	}
	res := gateway.NewResult()
	res.SetRef(ref)
	return res, nil
}

// Warn implements gateway.Client.
func (c *Client) Warn(_ context.Context, _ digest.Digest, text string, opts gateway.WarnOpts) error {
	w := Warning{Text: text}
	if opts.SourceInfo != nil {
		w.File = opts.SourceInfo.Filename
	}
	if len(opts.Range) > 0 {
		w.Line = int(opts.Range[0].Start.Line)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warnings = append(c.warnings, w)
	return nil
}

// Lookups returns the questions for images, in order.
func (c *Client) Lookups() []Lookup {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lookups)
}

// Refs returns the references that were asked for, in order.
func (c *Client) Refs() []string {
	var refs []string
	for _, l := range c.Lookups() {
		refs = append(refs, l.Ref)
	}
	return refs
}

// Solves returns what was to be solved, in order.
func (c *Client) Solves() []Solve {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.solves)
}

// Find returns the solve whose last vertex has a title.
func (c *Client) Find(title string) (Solve, bool) {
	for _, s := range c.Solves() {
		if s.Title() == title {
			return s, true
		}
	}
	return Solve{}, false
}

// Warnings returns the messages to the user, in order.
func (c *Client) Warnings() []Warning {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.warnings)
}

// Reads returns how often a file of any result was asked for: "read NAME", "stat NAME" or "list NAME".
func (c *Client) Reads(request string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads[request]
}

func (c *Client) noteRead(request string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads[request]++
}
