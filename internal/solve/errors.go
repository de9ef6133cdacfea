package solve

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	solvererrdefs "github.com/moby/buildkit/solver/errdefs"
	"github.com/opencontainers/go-digest"
	"google.golang.org/grpc/codes"

	"github.com/moby/buildkit/util/grpcerrors"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
)

// StepError says which step of the image failed, how, and what it said last: exit code 1.
type StepError struct {
	Step     string
	ExitCode int // 0 if the step did not come so far
	Lines    []string
	Err      error
}

func (e *StepError) Error() string {
	var text strings.Builder
	if e.ExitCode != 0 {
		fmt.Fprintf(&text, "step %q failed: exit code %d", e.Step, e.ExitCode)
	} else {
		fmt.Fprintf(&text, "step %q failed: %s", e.Step, e.cause())
	}
	for _, line := range e.Lines {
		text.WriteString("\n  | " + line)
	}
	text.WriteString(imagebuild.TrustAdvice(errors.New(strings.Join(e.Lines, "\n")), "the step"))
	return text.String()
}

// cause says why a step did not run. BuildKit does not look at the status of a download that has a checksum (v0.34.2,
// httpSourceHandler.Snapshot): it takes an error page for the file.
func (e *StepError) cause() string {
	sums := mismatch.FindStringSubmatch(e.Err.Error())
	if sums == nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("its sha256 is %s, expected %s: another file lies at that address, or the server sent an error page instead of it", sums[1], sums[2])
}

// mismatch is how BuildKit says that a download is not what its checksum says.
var mismatch = regexp.MustCompile(`digest mismatch sha256:(\w+): sha256:(\w+)`)

func (e *StepError) Unwrap() error { return e.Err }

// PushError says that an image could not be published: exit code 3.
type PushError struct {
	Refs string
	From string // the builder that pushed
	Err  error
}

func (e *PushError) Error() string {
	return fmt.Sprintf("pushing %s: %v%s%s", e.Refs, e.Err, imagebuild.TrustAdvice(e.Err, e.From), e.advice())
}

// unmovable is how the exporter says that a tag was not written: of the registry's answer it keeps the status alone. Registries
// whose tags are immutable give these (Amazon ECR 400, Harbor 412).
var unmovable = regexp.MustCompile(`unexpected status from PUT request to \S+/manifests/[^:/\s]+: (400|409|412) `)

func (e *PushError) advice() string {
	if !unmovable.MatchString(e.Err.Error()) {
		return ""
	}
	return "; if the registry keeps tags where they are (immutable tags), let this one be moved, or choose another name or --repository"
}

func (e *PushError) Unwrap() error { return e.Err }

// explain turns what a solve returned into what its reader needs. cause is what our own build function returned.
func (r *Runner) explain(ctx context.Context, job Job, cause, err error) error {
	if err == nil {
		return nil
	}
	var vertex *solvererrdefs.VertexError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case job.changed() != nil:
		return job.changed()
	case errors.As(err, &vertex):
		return r.stepError(vertex, err)
	case isLost(err):
		return &BuilderError{Addr: r.Builder.Addr, Doing: "building: lost the connection to", Err: err}
	case cause != nil:
		return cause
	case resolving.MatchString(err.Error()):
		ref := resolving.FindStringSubmatch(err.Error())[1]
		return &imagebuild.ImageError{Ref: ref, Platform: "the builder's platform", Err: err}
	case isPush(err):
		return &PushError{Refs: job.names(), From: r.Builder.name(), Err: err}
	}
	return err
}

func (r *Runner) stepError(vertex *solvererrdefs.VertexError, err error) error {
	step := &StepError{Err: err}
	step.Step, step.Lines = r.Progress.step(digest.Digest(vertex.Digest))
	var exit *gatewaypb.ExitError
	if errors.As(err, &exit) {
		step.ExitCode = int(exit.ExitCode)
	}
	return step
}

// isLost reports whether the connection to the builder broke.
func isLost(err error) bool {
	code := grpcerrors.Code(err)
	return code == codes.Unavailable || strings.Contains(err.Error(), "error reading from server: EOF") ||
		strings.Contains(err.Error(), "transport is closing")
}

// BuildKit's exporter gives an error without a type for what a registry answered.
var (
	pushing    = regexp.MustCompile(`failed to push |unexpected status from (PUT|POST|PATCH|HEAD) request|failed to (copy|do request)|push access denied|insufficient_scope`)
	passing    = regexp.MustCompile(`unexpected status.*: (5\d\d|429) |connection re(set|fused)|EOF|i/o timeout|provided digest did not match`)
	permission = regexp.MustCompile(`40[13] |denied|insufficient_scope`)
)

// resolving is how the solver says that it could not get an image that it needs itself, such as a scanner.
var resolving = regexp.MustCompile(`failed to resolve source metadata for (\S+): `)

func isPush(err error) bool { return pushing.MatchString(err.Error()) }

// worthRetrying reports whether the same solve may go through a moment later: a lost connection, a registry that
// stumbled. A failing step never is.
func worthRetrying(err error) bool {
	var push *PushError
	var builder *BuilderError
	if errors.As(err, &push) {
		return passing.MatchString(err.Error()) && !permission.MatchString(err.Error())
	}
	return errors.As(err, &builder)
}
