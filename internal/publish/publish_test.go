package publish

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/internal/testkit/fakebuilder"
	"github.com/rtbuild/rtbuild/tags"
)

// TestRun checks what is built in which order, and which tags are written.
func TestRun(t *testing.T) {
	const (
		deps        = "linux/amd64 " + base + " + system tools deps; to image r by digest"
		sourceOnIt  = "linux/amd64 r:lock@(linux/amd64 deps) + source; to image r by digest"
		sourceAlone = "linux/amd64 r:old + source; to image r by digest"
		whole       = "linux/amd64 " + base + " + system tools deps source; to oci x"
	)
	fromScratch := func(f *fixture) { f.plans(f.platform("linux/amd64", plan.Scratch, "lock", "versioned", "source")) }
	onLock := func(f *fixture) { f.plans(f.platform("linux/amd64", plan.Lock, "source")) }
	archive := solve.Export{ExportEntry: client.ExportEntry{Type: client.ExporterOCI, Attrs: map[string]string{"name": "x"}}}
	caches := []client.CacheOptionsEntry{{Type: "registry"}, {Type: "inline"}}
	tests := []struct {
		name   string
		set    func(*fixture)
		solved []string
		wrote  []string
		notes  []string
		digest string // whose image Result.Digest is; "-" for an index
	}{
		{name: "from scratch", set: fromScratch, solved: []string{deps, sourceOnIt}, wrote: []string{"lock", "versioned", "source"}, digest: "linux/amd64 source"},
		{name: "on a deps image under the versioned tag", set: func(f *fixture) { f.plans(f.platform("linux/amd64", plan.Versioned, "lock", "source")) },
			solved: []string{"linux/amd64 r:old layers=2 + deps; to image r by digest", sourceOnIt}, wrote: []string{"lock", "source"}, digest: "linux/amd64 source"},
		{name: "on a deps image under the lock tag", set: onLock, solved: []string{sourceAlone}, wrote: []string{"source"}, digest: "linux/amd64 source"},
		{name: "a build command", set: func(f *fixture) {
			f.Project.Runtime.Build = &profile.Build{Run: []string{"make"}}
			f.Project.Tags.Images.Build = f.Destination.Repository + ":build"
			f.plans(f.platform("linux/amd64", plan.Scratch, "lock", "versioned", "build", "source"))
		}, solved: []string{deps, "linux/amd64 " + base + " + system tools deps build; to image r by digest",
			"linux/amd64 r:lock@(linux/amd64 deps) + source build; to image r by digest"},
			wrote: []string{"lock", "versioned", "build", "source"}, digest: "linux/amd64 source"},
		{name: "an archive too", set: func(f *fixture) { onLock(f); f.Exports = []solve.Export{archive} },
			solved: []string{sourceAlone + "; to oci x"}, wrote: []string{"source"}, digest: "linux/amd64 source"},
		{name: "an archive alone", set: func(f *fixture) { fromScratch(f); f.Push, f.Exports = false, []solve.Export{archive} },
			solved: []string{whole}, digest: "linux/amd64 source"},
		{name: "an archive of an existing image", set: func(f *fixture) { f.plans(f.platform("linux/amd64", plan.None)); f.Exports = []solve.Export{archive} },
			solved: []string{"linux/amd64 r:old + ; to oci x"}, digest: "linux/amd64 deps"},
		{name: "further tags", set: func(f *fixture) {
			onLock(f)
			f.Tags = []string{f.registry.Host + "/a:1", f.registry.Host + "/a:latest"}
		},
			solved: []string{sourceAlone}, wrote: []string{"source", "1", "latest"}, digest: "linux/amd64 source"},
		{name: "one platform needs a deps image", set: func(f *fixture) {
			f.plans(f.platform("linux/amd64", plan.Scratch, "lock", "versioned", "source"), f.platform("linux/arm64", plan.Lock, "source"))
		}, solved: []string{deps, "linux/amd64 r:lock@(index of linux/amd64 deps) + source; linux/arm64 r:old + source; to image r by digest"},
			wrote: []string{"lock", "versioned", "source"}, digest: "index of linux/arm64 source"},
		{name: "one platform exists", set: func(f *fixture) {
			f.plans(f.platform("linux/amd64", plan.Lock, "source"), f.platform("linux/arm64", plan.None))
		},
			solved: []string{sourceAlone}, wrote: []string{"source"}, digest: "index of linux/amd64 source"},
		{name: "the builder warns twice of one thing", set: func(f *fixture) {
			fromScratch(f)
			f.builder.Attempts = []fakebuilder.Attempt{{Status: &client.SolveStatus{Warnings: []*client.VertexWarning{{Short: []byte("a trigger")}}}}}
		}, solved: []string{deps, sourceOnIt}, wrote: []string{"lock", "versioned", "source"}, digest: "linux/amd64 source", notes: []string{"a trigger"}},
		{name: "the versioned tag cannot be moved", set: func(f *fixture) { fromScratch(f); f.frozen = "versioned" }, solved: []string{deps, sourceOnIt},
			wrote: []string{"lock", "source"}, digest: "linux/amd64 source", notes: []string{
				"publishing r:versioned: the tag cannot be moved: 409 Conflict; allow the tag to move (if tags are immutable, by an exception for it), " +
					"or choose another repository with --repository; the tag keeps its image, so later builds that start from it do more work",
			}},
		{name: "compressed otherwise", set: func(f *fixture) { fromScratch(f); f.Compression = options.Compression{Type: "zstd", Level: "3"} },
			solved: []string{deps + " compression=zstd compression-level=3", sourceOnIt + " compression=zstd compression-level=3"},
			wrote:  []string{"lock", "versioned", "source"}, digest: "linux/amd64 source"},
		{name: "caches are written with deps", set: func(f *fixture) { fromScratch(f); f.CacheExports = caches },
			solved: []string{deps + "; cache registry; cache inline", sourceOnIt + "; cache inline"}, wrote: []string{"lock", "versioned", "source"}, digest: "linux/amd64 source"},
		{name: "caches are not replaced without deps", set: func(f *fixture) { onLock(f); f.CacheExports = caches }, solved: []string{sourceAlone + "; cache inline"},
			wrote: []string{"source"}, digest: "linux/amd64 source", notes: []string{"cache export skipped: no system, tools or deps step runs"}},
		{name: "a build without publishing writes caches", set: func(f *fixture) {
			fromScratch(f)
			f.Push, f.Exports, f.CacheExports = false, []solve.Export{archive}, caches
		}, solved: []string{whole + "; cache registry; cache inline"}, digest: "linux/amd64 source"},
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // most of the time passes between writing a tag and reading it again
			f := newFixture(t)
			tt.set(f)
			result, err := Run(t.Context(), f.Request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.solved, f.solved); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(f.wrote, tt.wrote) || !slices.Equal(f.notes, tt.notes) {
				t.Errorf("wrote %q, said %q", f.wrote, f.notes)
			}
			if result.Digest != f.images[tt.digest].String() {
				t.Errorf("the digest is %q of %v", result.Digest, f.images)
			}
			if !slices.Equal(f.connected, []string{builderAddr}) || !f.builder.Closed() {
				t.Errorf("connected to %q, closed %t", f.connected, f.builder.Closed())
			}
		})
	}
}

// TestRunErrors checks the errors that callers tell apart, and that what was published before one stays.
func TestRunErrors(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	fails := func(errs ...error) func(*fixture) {
		return func(f *fixture) {
			for _, err := range errs {
				f.builder.Attempts = append(f.builder.Attempts, fakebuilder.Attempt{Err: err})
			}
		}
	}
	interrupted := errors.New("interrupted")
	for _, tt := range []struct {
		name   string
		set    func(*fixture)
		is     func(error) bool
		built  bool // whether it is a *BuildError
		solves int  // that succeed
		wrote  []string
	}{
		{name: "the builder cannot be reached", set: func(f *fixture) {
			f.refused = &solve.BuilderError{Addr: builderAddr, Doing: "connecting to", Err: errFailed}
		},
			is: as[*solve.BuilderError]},
		{name: "the user may not push", set: func(f *fixture) { f.registry.SetFault(deny(func(*http.Request) bool { return true })) }, is: is(registry.ErrDenied)},
		{name: "the user may not push, and no builder answers", set: func(f *fixture) {
			f.refused = &solve.BuilderError{Addr: builderAddr, Doing: "connecting to", Err: errFailed}
			f.registry.SetFault(deny(func(*http.Request) bool { return true }))
		}, is: is(registry.ErrDenied)},
		{name: "the builder lacks the platform", set: func(f *fixture) { f.builder.Workers = nil }, is: as[*solve.PlatformError]},
		{name: "the base is not there", set: func(f *fixture) { f.builder.Gateway.Images = nil }, is: as[*imagebuild.ImageError], built: true},
		{name: "a step of the deps image", set: fails(failedStep), is: as[*solve.StepError], built: true},
		{name: "a step of the source image", set: fails(nil, failedStep), is: as[*solve.StepError], built: true, solves: 1, wrote: []string{"lock", "versioned"}},
		{name: "a push", set: fails(errors.New("failed to push r: unexpected status from PUT request: 403 Forbidden")), is: as[*solve.PushError], built: true},
		{name: "the builder is lost", set: fails(errors.New("transport is closing")), is: as[*solve.BuilderError], built: true},
		{name: "a file changes while it is sent", set: func(f *fixture) {
			f.builder.Attempts = []fakebuilder.Attempt{{During: func(ctx context.Context, opt client.SolveOpt) {
				projecttest.Must(t, os.WriteFile(filepath.Join(f.Project.Root, "server.js"), []byte("new"), 0o644))
				file, err := opt.LocalMounts[localSource].Open("server.js")
				projecttest.Must(t, err)
				_, _ = io.ReadAll(file)
				<-ctx.Done()
			}}}
		}, is: as[*tags.ChangedError], built: true},
		{name: "the lock tag cannot be moved", set: func(f *fixture) { f.frozen = "lock" }, is: is(registry.ErrImmutable), built: true, solves: 1},
		{name: "the source tag cannot be moved", set: func(f *fixture) { f.frozen = "source" }, is: is(registry.ErrImmutable), built: true, solves: 2, wrote: []string{"lock", "versioned"}},
		{name: "the registry refuses the lock tag", set: func(f *fixture) { f.refuse("lock") }, is: is(registry.ErrDenied), built: true, solves: 1},
		{name: "the registry refuses the versioned tag", set: func(f *fixture) { f.refuse("versioned") }, is: is(registry.ErrDenied), built: true, solves: 1, wrote: []string{"lock"}},
		{name: "the registry refuses the source tag", set: func(f *fixture) { f.refuse("source") }, is: is(registry.ErrDenied), built: true, solves: 2, wrote: []string{"lock", "versioned"}},
		{name: "an interrupt", set: func(f *fixture) {
			f.builder.Attempts = []fakebuilder.Attempt{{During: func(context.Context, client.SolveOpt) { f.interrupt(interrupted) }}}
		}, is: is(interrupted), built: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // the registry is asked again a few times
			f := newFixture(t)
			ctx, interrupt := context.WithCancelCause(t.Context())
			f.interrupt = interrupt
			f.plans(f.platform("linux/amd64", plan.Scratch, "lock", "versioned", "source"))
			tt.set(f)
			_, err := Run(ctx, f.Request)
			if !tt.is(err) || errors.As(err, new(*BuildError)) != tt.built {
				t.Errorf("got %T: %v", err, err)
			}
			if !slices.Equal(f.wrote, tt.wrote) || len(f.solved) != tt.solves {
				t.Errorf("wrote %q after %q", f.wrote, f.solved)
			}
			if len(f.connected) > 0 && f.refused == nil && !f.builder.Closed() {
				t.Error("the connection is left open")
			}
		})
	}
}

// as reports whether an error is of a type.
func as[T error](err error) bool { return errors.As(err, new(T)) }

// is returns a function that reports whether an error is wanted.
func is(wanted error) func(error) bool {
	return func(err error) bool { return errors.Is(err, wanted) }
}

var (
	errFailed  = errors.New("failed")
	failedStep = errdefs.WrapVertex(&gatewaypb.ExitError{ExitCode: 7, Err: errors.New("did not complete")}, "sha256:1")
)

// TestNothingToDo checks that nothing runs if all images exist, and that the digest is that of the existing image.
func TestNothingToDo(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	f := newFixture(t)
	f.plans(f.platform("linux/amd64", plan.None))
	result, err := Run(t.Context(), f.Request)
	if err != nil || result.Digest != digest.FromString("existing").String() || result.Response != nil || f.connected != nil {
		t.Errorf("got %+v, %v, connected to %q", result, err, f.connected)
	}
}

// TestFurtherTagOfAnExistingImage: a tag alone needs no builder.
func TestFurtherTagOfAnExistingImage(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	f := newFixture(t)
	pushed, err := f.registry.PushImage(t.Context(), "a", "source", ocispecs.Image{Platform: ocispecs.Platform{OS: "linux", Architecture: "amd64"}})
	if err != nil {
		t.Fatal(err)
	}
	f.wrote = nil
	f.plans(f.platform("linux/amd64", plan.None))
	f.Tags = []string{f.registry.Host + "/a:latest"}
	if _, err := Run(t.Context(), f.Request); err != nil || !slices.Equal(f.wrote, []string{"latest"}) || f.connected != nil {
		t.Errorf("got %v, wrote %q, connected to %q", err, f.wrote, f.connected)
	}
	if got, err := f.Destination.Registry.Resolve(t.Context(), f.Tags[0]); got != pushed || err != nil {
		t.Errorf("got %s, %v, want %s", got, err, pushed)
	}
}

// TestReferences checks that the private builder gets the hosts of all references that it accesses.
func TestReferences(t *testing.T) {
	cache := func(kind, ref string) []client.CacheOptionsEntry {
		return []client.CacheOptionsEntry{{Type: kind, Attrs: map[string]string{"ref": ref}}}
	}
	export := func(kind, names string) []solve.Export {
		return []solve.Export{{ExportEntry: client.ExportEntry{Type: kind, Attrs: map[string]string{"name": names}}}}
	}
	for _, tt := range []struct {
		name     string
		settings Settings
		exports  []solve.Export
		want     string
	}{
		{name: "no further references"},
		{name: "deps images of another repository", settings: Settings{Reuse: []string{"reuse.example.com/x"}}, want: "reuse.example.com/x"},
		{name: "a cache to read", settings: Settings{CacheImports: cache("registry", "from.example.com/x:c")}, want: "from.example.com/x:c"},
		{name: "a cache to write", settings: Settings{CacheExports: cache("registry", "to.example.com/x")}, want: "to.example.com/x"},
		{name: "a local cache", settings: Settings{CacheExports: cache("local", "")}},
		{name: "exports under other names", exports: export(client.ExporterImage, "a.example.com/x,b.example.com/x"), want: "a.example.com/x b.example.com/x"},
		{name: "an archive", exports: export(client.ExporterOCI, "a.example.com/x")},
		{name: "an SBOM", settings: Settings{Attests: map[string]string{"attest:sbom": "generator=scan.example.com/x"}}, want: "scan.example.com/x:latest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := (&Build{Settings: tt.settings}).references(tt.exports)
			got = slices.DeleteFunc(got, func(ref string) bool { return ref == "" })
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}
