package planning

import (
	"context"
	"errors"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
)

// Looker asks what a reference holds. The client asks registries itself, the frontend asks through the builder. Both are
// safe for concurrent use.
type Looker interface {
	// Lookup returns the image that a reference holds for one platform. Where there is none, the error wraps one of this
	// package's sentinels.
	Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*plan.Image, error)

	// Resolve returns the digest that a reference points to: of an index or of a manifest.
	Resolve(ctx context.Context, ref string, platform ocispecs.Platform) (digest.Digest, error)
}

// Why a Looker returns no image. Each of its errors wraps one of them; the end of a context, and what is wrong with a
// reference itself, wraps none.
var (
	ErrAbsent        = errors.New("no image has this name")
	ErrOtherPlatform = errors.New("the tag holds other platforms only")
	ErrDenied        = errors.New("the image may not be read")
	ErrUnreachable   = errors.New("the registry does not answer")
	ErrBroken        = errors.New("the image cannot be read")
)

// Because marks an error with the reason why there is no image. The text stays the error's own.
func Because(reason, err error) error { return &because{error: err, reason: reason} }

// because is an error with a reason that errors.Is finds.
type because struct {
	error
	reason error
}

// Unwrap returns the reason and the error.
func (b *because) Unwrap() []error { return []error{b.reason, b.error} }

// Roles of an image.
const (
	RoleSource    = "source"
	RoleLock      = "lock"
	RoleVersioned = "versioned"
)

// LookupError says that it could not be learned whether an image exists. Its text is the Looker's.
type LookupError struct {
	Role string // RoleSource, RoleLock or RoleVersioned
	Ref  string
	Own  bool // the image is in the repository that is published to
	Err  error
}

// Error returns the Looker's text.
func (e *LookupError) Error() string { return e.Err.Error() }

// Unwrap returns the Looker's error.
func (e *LookupError) Unwrap() error { return e.Err }
