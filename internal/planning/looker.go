package planning

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
)

// Looker looks up references. The client's implementation asks registries, the frontend's asks through the builder.
// Implementations are safe for concurrent use.
type Looker interface {
	// Lookup returns a reference's image for one platform. If there is no usable image, the error wraps one of the sentinel
	// errors of this package.
	Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*plan.Image, error)

	// Resolve returns the digest that a reference points to, of an index or a manifest.
	Resolve(ctx context.Context, ref string, platform ocispecs.Platform) (digest.Digest, error)
}

// Why a Looker returns no image. Each error of a Looker wraps one of these, except for the errors of a context and of an
// invalid reference.
var (
	ErrAbsent        = errors.New("no image has this name")
	ErrOtherPlatform = errors.New("the tag holds other platforms only")
	ErrDenied        = errors.New("the image may not be read")
	ErrUnreachable   = errors.New("the registry does not answer")
	ErrBroken        = errors.New("the image cannot be read")
)

// Because returns an error with the text of err that also wraps reason, one of the five errors above. A [Looker] uses it to say what an
// error of its registry or builder means for the plan, and keeps the message. errors.Is then finds both.
func Because(reason, err error) error { return &because{error: err, reason: reason} }

// because is an error that also wraps a reason.
type because struct {
	error
	reason error
}

// Unwrap returns the reason and the error.
func (b *because) Unwrap() []error { return []error{b.reason, b.error} }

// The roles of an image.
const (
	RoleSource    = "source"
	RoleLock      = "lock"
	RoleVersioned = "versioned"
	RoleBuild     = "build"
)

// ImageName returns what users know the image of a role as: "source image", "build image", or "deps image" for both of its tags.
func ImageName(role string) string {
	if role == RoleSource || role == RoleBuild {
		return role + " image"
	}
	return "deps image"
}

// LookupError reports a lookup after which it is unknown whether an image exists. Its text is that of the Looker's error.
type LookupError struct {
	Role string // RoleSource, RoleLock, RoleVersioned or RoleBuild
	Ref  string
	Own  bool // the reference is in the repository that the build publishes to
	Err  error
}

// Error returns the text of the Looker's error.
func (e *LookupError) Error() string { return e.Err.Error() }

// Unwrap returns the Looker's error.
func (e *LookupError) Unwrap() error { return e.Err }
