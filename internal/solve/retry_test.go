package solve_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/buildkit/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testkit/fakebuilder"
)

// What a builder says.
var (
	lost       = status.Error(codes.Unavailable, "error reading from server: EOF")
	errClosing = errors.New("rpc error: transport is closing")
	step       = errdefs.WrapVertex(&gatewaypb.ExitError{ExitCode: 7, Err: errors.New("did not complete")}, "sha256:1")
	noProgram  = errdefs.WrapVertex(errors.New("mount failed"), "sha256:1")
	errScanner = errors.New("failed to solve: failed to resolve source metadata for scan.example.com/x:1: unexpected status from HEAD request: 503 Service Unavailable")
)

// pushed is what the exporter says of a registry's answer.
func pushed(text string) error {
	return errors.New("failed to solve: failed to push r.example.com/a: unexpected status from PUT request to https://r.example.com/v2/a/manifests/sha256:1: " + text)
}

// runner returns one that runs jobs on a builder. Its display shows nothing.
func runner(t *testing.T, b *fakebuilder.Builder, retries uint) (*solve.Runner, func()) {
	t.Helper()
	progress, err := solve.NewProgress(t.Context(), "quiet")
	if err != nil {
		t.Fatal(err)
	}
	r := &solve.Runner{Builder: &solve.Builder{Client: b, Addr: "unix:///x"}, Progress: progress, Retries: retries, Warn: func(string) {}}
	return r, func() {
		if err := progress.Close(); err != nil {
			t.Error(err)
		}
	}
}

// ends makes attempts of the errors that they end with.
func ends(errs ...error) []fakebuilder.Attempt {
	var all []fakebuilder.Attempt
	for _, err := range errs {
		all = append(all, fakebuilder.Attempt{Err: err})
	}
	return all
}

// TestRetries: which errors are tried again, how often, and which kind of error is left. Clocks run at once here.
func TestRetries(t *testing.T) {
	tests := []struct {
		name    string
		ends    []error
		retries uint
		tries   int
		is      func(error) bool // of what is left; nil is success
		text    string
	}{
		{name: "success", ends: []error{nil}, retries: 3, tries: 1},
		{name: "a lost connection", ends: []error{lost, nil}, retries: 3, tries: 2},
		{name: "a connection that closes", ends: []error{errClosing, nil}, retries: 3, tries: 2},
		{name: "a connection that stays lost", ends: []error{lost}, retries: 3, tries: 4, is: isBuilder, text: "building: lost the connection to builder unix:///x"},
		{name: "a lost connection, and no retries", ends: []error{lost}, tries: 1, is: isBuilder},
		{name: "the last retry succeeds", ends: []error{lost, lost, nil}, retries: 2, tries: 3},
		{name: "a registry fails", ends: []error{pushed("500 Internal Server Error"), nil}, retries: 1, tries: 2},
		{name: "a registry is not there", ends: []error{pushed("503 Service Unavailable"), nil}, retries: 1, tries: 2},
		{name: "a registry is asked too often", ends: []error{pushed("429 Too Many Requests"), nil}, retries: 1, tries: 2},
		{name: "a registry hangs up", ends: []error{errors.New("failed to push r.example.com/a: connection reset by peer"), nil}, retries: 1, tries: 2},
		{name: "a registry does not listen", ends: []error{errors.New("failed to do request: dial tcp: connection refused"), nil}, retries: 1, tries: 2},
		{name: "a layer arrived in pieces", ends: []error{errors.New("failed to copy: provided digest did not match"), nil}, retries: 1, tries: 2},
		{name: "a registry keeps failing", ends: []error{pushed("502 Bad Gateway")}, retries: 2, tries: 3, is: isPush, text: "pushing r.example.com/a: "},
		{name: "pushing is denied", ends: []error{pushed("403 Forbidden")}, retries: 3, tries: 1, is: isPush},
		{name: "nobody is logged in", ends: []error{pushed("401 Unauthorized")}, retries: 3, tries: 1, is: isPush},
		{name: "a token allows too little", ends: []error{errors.New("failed to push r.example.com/a: insufficient_scope: authorization failed")}, retries: 3, tries: 1, is: isPush},
		{name: "denied by a registry that hangs up too", ends: []error{errors.New("failed to push r.example.com/a: denied: connection reset by peer")}, retries: 3, tries: 1, is: isPush},
		{name: "an image that the registry refuses", ends: []error{pushed("400 Bad Request")}, retries: 3, tries: 1, is: isPush},
		{name: "a tag that may not be moved", ends: []error{pushed("409 Conflict")}, retries: 3, tries: 1, is: isPush},
		{name: "denied by a registry that failed first", ends: []error{pushed("503 Service Unavailable"), pushed("403 Forbidden")}, retries: 3, tries: 2, is: isPush, text: "403"},
		{name: "a step", ends: []error{step}, retries: 3, tries: 1, is: isStep(7), text: "failed: exit code 7"},
		{name: "a step whose program never ran", ends: []error{noProgram}, retries: 3, tries: 1, is: isStep(0), text: "mount failed"},
		{name: "a step, after a lost connection", ends: []error{lost, step}, retries: 3, tries: 2, is: isStep(7)},
		{name: "an image that the solver needs", ends: []error{errScanner}, retries: 3, tries: 1, is: isImage, text: "scan.example.com/x:1"},
		{name: "something new", ends: []error{errors.New("something new")}, retries: 3, tries: 1, is: isNew, text: "something new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakebuilder.Builder{Attempts: ends(tt.ends...)}
				r, done := runner(t, b, tt.retries)
				defer done()
				warnings := 0
				r.Warn = func(text string) {
					warnings++
					if strings.Contains(text, "\n") || !strings.Contains(text, "; trying again in ") {
						t.Errorf("warned %q", text)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour) // ends retries without end
				defer cancel()
				res, err := r.Run(ctx, solve.Job{Exports: []solve.Export{solve.DigestExport("r.example.com/a")}})
				if (err == nil) != (tt.is == nil) || (res == nil) != (err != nil) || err != nil && (!tt.is(err) || !strings.Contains(err.Error(), tt.text)) {
					t.Errorf("got %v, %T: %v", res, err, err)
				}
				if tries := len(b.Builds()); tries != tt.tries || warnings != tt.tries-1 {
					t.Errorf("tried %d times, not %d; warned %d times", tries, tt.tries, warnings)
				}
			})
		})
	}
}

func isBuilder(err error) bool { return errors.As(err, new(*solve.BuilderError)) }

func isPush(err error) bool { return errors.As(err, new(*solve.PushError)) }

func isImage(err error) bool { return errors.As(err, new(*imagebuild.ImageError)) }

func isStep(code int) func(error) bool {
	return func(err error) bool {
		var step *solve.StepError
		return errors.As(err, &step) && step.ExitCode == code
	}
}

// isNew reports that an error is of no kind.
func isNew(err error) bool {
	return !isBuilder(err) && !isPush(err) && !isImage(err) && !errors.As(err, new(*solve.StepError))
}

// TestWaits: the waits double from a second on, by half more or less, and are never longer than ten seconds and a half of them.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakebuilder.Builder{}
		var at []time.Time
		attempt := fakebuilder.Attempt{Err: lost, During: func(context.Context, client.SolveOpt) { at = append(at, time.Now()) }}
		b.Attempts = []fakebuilder.Attempt{attempt}
		r, done := runner(t, b, 6)
		defer done()
		if _, err := r.Run(t.Context(), solve.Job{}); !isBuilder(err) || len(at) != 7 {
			t.Fatalf("tried %d times: %v", len(at), err)
		}
		for i, want := range []float64{1, 2, 4, 8, 10, 10} {
			if got := at[i+1].Sub(at[i]).Seconds(); got < want/2 || got > want*1.5 {
				t.Errorf("wait %d is %v s, want about %v", i+1, got, want)
			}
		}
	})
}

// errInterrupted is why a user's context ends.
var errInterrupted = errors.New("interrupted")

// TestInterrupted: whoever interrupts a build gets its own cause, at once, whatever the builder says meanwhile.
func TestInterrupted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		attempt func(interrupt func()) fakebuilder.Attempt
		waiting bool // interrupted between two attempts
	}{
		{"while it builds", func(interrupt func()) fakebuilder.Attempt {
			return fakebuilder.Attempt{During: func(context.Context, client.SolveOpt) { interrupt() }}
		}, false},
		{"while a step fails", func(interrupt func()) fakebuilder.Attempt {
			return fakebuilder.Attempt{Err: step, Late: interrupt}
		}, false},
		{"while it waits", func(func()) fakebuilder.Attempt { return fakebuilder.Attempt{Err: lost} }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				interrupt := func() { cancel(errInterrupted) }
				b := &fakebuilder.Builder{Attempts: []fakebuilder.Attempt{tt.attempt(interrupt)}}
				r, done := runner(t, b, 3)
				defer done()
				if tt.waiting {
					r.Warn = func(string) { interrupt() }
				}
				start := time.Now()
				if _, err := r.Run(ctx, solve.Job{}); !errors.Is(err, errInterrupted) || len(b.Builds()) != 1 {
					t.Errorf("tried %d times: %v", len(b.Builds()), err)
				}
				if waited := time.Since(start); waited != 0 {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}
