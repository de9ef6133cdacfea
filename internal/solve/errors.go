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

// StepError says which step of a build failed, why, and with which last output. The client exits with code 1.
type StepError struct {
	Step     string
	ExitCode int      // 0 if the step did not run
	Causes   []string // lines of the output that say why, wherever they stand in it
	Lines    []string // the last lines
	Err      error
}

func (e *StepError) Error() string {
	var text strings.Builder
	if e.ExitCode != 0 {
		fmt.Fprintf(&text, "step %q failed: exit code %d", e.Step, e.ExitCode)
	} else {
		fmt.Fprintf(&text, "step %q failed: %s", e.Step, e.cause())
	}
	for _, line := range e.Causes {
		text.WriteString("\n  cause: " + line)
	}
	for _, line := range e.Lines {
		text.WriteString("\n  | " + line)
	}
	if hint := e.hint(); hint != "" {
		text.WriteString("\n  hint: " + hint)
	}
	text.WriteString(imagebuild.StepStore.Advice(strings.Join(e.Lines, "\n")))
	return text.String()
}

// cause returns why a step did not run. BuildKit ignores the HTTP status of a download with a checksum (v0.34.2,
// httpSourceHandler.Snapshot), so an error page shows as a wrong checksum.
func (e *StepError) cause() string {
	sums := digestMismatch.FindStringSubmatch(e.Err.Error())
	if sums == nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("its sha256 is %s, expected %s: the address has another file now, or the server sent an error page", sums[1], sums[2])
}

// digestMismatch matches BuildKit's error for a download with a wrong checksum.
var digestMismatch = regexp.MustCompile(`digest mismatch sha256:(\w+): sha256:(\w+)`)

func (e *StepError) Unwrap() error { return e.Err }

// PushError says that an image could not be pushed. The client exits with code 3.
type PushError struct {
	Refs string
	From imagebuild.TrustStore // the trust store of the builder that pushed
	Err  error
}

func (e *PushError) Error() string {
	return fmt.Sprintf("pushing %s: %v%s%s", e.Refs, e.Err, e.From.Advice(e.Err.Error()), e.advice())
}

// tagRefused matches the exporter's error for a tag that the registry did not accept. The exporter only keeps the status. For an
// immutable tag, Amazon ECR sends 400 and Harbor 412.
var tagRefused = regexp.MustCompile(`unexpected status from PUT request to \S+/manifests/[^:/\s]+: (400|409|412) `)

func (e *PushError) advice() string {
	if !tagRefused.MatchString(e.Err.Error()) {
		return ""
	}
	return "; if tags are immutable in this registry, allow this tag to move, or choose another name or --repository"
}

func (e *PushError) Unwrap() error { return e.Err }

// explain turns the error of a solve into one of the types of this package, if one fits. cause is the error of the build function.
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
	case resolveFailure.MatchString(err.Error()):
		ref := resolveFailure.FindStringSubmatch(err.Error())[1]
		return &imagebuild.ImageError{Ref: ref, Platform: "the builder's platform", Err: err}
	case isPush(err):
		return &PushError{Refs: job.names(), From: r.Builder.trustStore(), Err: err}
	}
	return err
}

func (r *Runner) stepError(vertex *solvererrdefs.VertexError, err error) error {
	step := &StepError{Err: err}
	step.Step, step.Causes, step.Lines = r.Progress.step(digest.Digest(vertex.Digest))
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

// BuildKit's exporter returns untyped errors for a registry's responses. These patterns recognise them.
var (
	pushFailure    = regexp.MustCompile(`failed to push |unexpected status from (PUT|POST|PATCH|HEAD) request|failed to (copy|do request)|push access denied|insufficient_scope`)
	transientCause = regexp.MustCompile(`unexpected status.*: (5\d\d|429) |connection re(set|fused)|EOF|i/o timeout|provided digest did not match`)
	deniedCause    = regexp.MustCompile(`40[13] |denied|insufficient_scope`)
)

// resolveFailure matches the solver's error for an image that the solver itself needs, such as a scanner.
var resolveFailure = regexp.MustCompile(`failed to resolve source metadata for (\S+): `)

func isPush(err error) bool { return pushFailure.MatchString(err.Error()) }

// isTransient reports whether the same solve may succeed when it is repeated: after a lost connection or a temporary error of a
// registry, but never after a failed step.
func isTransient(err error) bool {
	var push *PushError
	var builder *BuilderError
	if errors.As(err, &push) {
		return transientCause.MatchString(err.Error()) && !deniedCause.MatchString(err.Error())
	}
	return errors.As(err, &builder)
}
