package imagebuild_test

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/containerd/platforms"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	apipb "github.com/moby/buildkit/util/apicaps/pb"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
)

// errStep is what a failing step says.
var errStep = errors.New("process \"/bin/sh\" did not complete successfully: exit code: 7")

// TestBuildFails: what keeps an image from being built, what kind of error says so, and how far the build came.
func TestBuildFails(t *testing.T) {
	resolves := func(err error) func(*scene) {
		return func(s *scene) { s.Images[base] = fakegateway.Image{Err: err} }
	}
	has := func(config string) func(*scene) {
		return func(s *scene) { s.Images[base] = fakegateway.Image{Config: config} }
	}
	volume := func(dir string) func(*scene) {
		return has(strings.Replace(baseConfig, `"Cmd"`, `"Volumes":{"`+dir+`":{}},"Cmd"`, 1))
	}
	tests := []struct {
		name   string
		change func(*scene)
		is     func(error) bool
		text   string
		asks   int // images
		solves int
	}{
		{name: "an old builder", change: func(s *scene) { s.Options.LLBCaps = pb.Caps.CapSet(without(pb.CapMergeOp)) }, is: isTooOld, text: "it lacks mergeop"},
		{name: "no such image", change: func(s *scene) { delete(s.Images, base) }, is: isImage(imagebuild.Absent, false), text: "does not exist for linux/amd64", asks: 1},
		{name: "not for the platform", change: resolves(fakegateway.ErrOtherPlatform), is: isImage(imagebuild.Absent, true), text: "does not exist for linux/amd64", asks: 1},
		{name: "denied", change: resolves(fakegateway.ErrDenied), is: isImage(imagebuild.Denied, false), text: "log in to its registry", asks: 1},
		{name: "unreachable", change: resolves(fakegateway.ErrUnreachable), is: isImage(imagebuild.Unreachable, false), text: "cannot resolve image debian:bookworm", asks: 1},
		{name: "a registry that stumbles", change: resolves(fakegateway.ErrUnavailable), is: isImage(imagebuild.Unreachable, false), text: "503", asks: 1},
		{name: "no reference", change: func(s *scene) { s.Entry.Ref = "A B" }, is: isPlain, text: "invalid reference format"},
		{name: "a config that is none", change: has("no JSON"), is: isPlain, text: "reading an image config", asks: 1},
		{name: "an image for another platform", change: has(armConfig), is: isField("base"), text: "debian:bookworm is for linux/arm64, but the build is for linux/amd64", asks: 1},
		{name: "a variant of another platform", change: func(s *scene) {
			s.Platform = platforms.MustParse("linux/arm/v6")
			has(strings.Replace(baseConfig, `"amd64"`, `"arm","variant":"v7"`, 1))(s)
		}, is: isField("base"), text: "is for linux/arm/v7", asks: 1},
		{name: "a base that rtbuild made", change: func(s *scene) { s.on(plan.Scratch, lockRef) }, is: isField("base"), text: "was made by rtbuild", asks: 1},
		{name: "a volume at the runtime", change: volume("/agent"), is: isField("prefix"), text: "declares a volume at /agent", asks: 1},
		{name: "a volume above it", change: volume("/"), is: isField("prefix"), text: "declares a volume at /", asks: 1},
		{name: "a volume below it", change: volume("/agent/code"), is: isField("prefix"), text: "declares a volume at /agent/code", asks: 1},
		{name: "a base that cannot be read", change: func(s *scene) { s.failing["base"] = fakegateway.ErrUnreachable }, is: isPlain, text: "connection refused", asks: 1, solves: 1},
		{name: "a file that cannot be read", change: func(s *scene) { s.Files = unreadable(s.Files, "etc/passwd") }, is: isField("base"),
			text: "reading base image debian:bookworm: open /etc/passwd: permission denied", asks: 1, solves: 1},
		{name: "no shell", change: func(s *scene) { delete(s.base, "bin/sh") }, is: isField("base"), text: "(Debian 12) has no /bin/sh", asks: 1, solves: 1},
		{name: "no shell, and no name", change: func(s *scene) { s.base = fstest.MapFS{} }, is: isField("base"), text: "(no os-release file) has no /bin/sh", asks: 1, solves: 1},
		{name: "a link where the runtime goes", change: func(s *scene) { s.base["agent"] = &fstest.MapFile{Data: []byte("opt"), Mode: fs.ModeSymlink} },
			is: isField("prefix"), text: "has a link at /agent", asks: 1, solves: 1},
		{name: "a file above the runtime", change: func(s *scene) { s.Runtime.Prefix = "/opt/agent"; s.base["opt"] = &fstest.MapFile{} },
			is: isField("prefix"), text: "has a file at /opt", asks: 1, solves: 1},
		{name: "accounts that cannot be read", change: func(s *scene) { s.base["etc/passwd"].Data = bytes.Repeat([]byte("x"), 1<<17) }, is: isField("base"), text: "cannot be used", asks: 1, solves: 1},
		{name: "no package manager", change: func(s *scene) { delete(s.base, "usr/bin/apt-get"); delete(s.base, "usr/bin/dpkg") }, is: isDistro,
			text: "has no package manager that rtbuild knows", asks: 1, solves: 1},
		{name: "a file that cannot be fetched", change: func(s *scene) {
			s.Fetch = func(llb.Download) (bkllb.State, error) { return bkllb.State{}, errStep }
		}, is: isStep, asks: 1, solves: 1},
		{name: "a step of the deps image", change: func(s *scene) { s.failing["[deps] npm ci"] = errStep }, is: isStep, asks: 1, solves: 2},
		{name: "a step of a deps image (versioned)", change: func(s *scene) { s.on(plan.Versioned, lockRef); s.failing["[deps] npm ci"] = errStep }, is: isStep, asks: 1, solves: 1},
		{name: "the extra command", change: func(s *scene) {
			s.on(plan.Lock, lockRef)
			s.Runtime.Extra, s.failing["[extra] false"] = "false", errStep
		}, is: isStep, asks: 1, solves: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			img, err := imagebuild.Build(t.Context(), s, s.Request)
			if err == nil || img != nil || !tt.is(err) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, %T: %v", img, err, err)
			}
			if len(s.Refs()) != tt.asks || len(s.Solves()) != tt.solves {
				t.Errorf("asked for %q, solved %q", s.Refs(), s.solved())
			}
		})
	}
}

// without returns the capabilities of this release but for one.
func without(id apicaps.CapID) []*apipb.APICap {
	return slices.DeleteFunc(slices.Clone(pb.Caps.All()), func(c *apipb.APICap) bool { return c.ID == string(id) })
}

// unreadable lets nobody read a file of the base.
func unreadable(files func(fakegateway.Solve) (fs.FS, error), name string) func(fakegateway.Solve) (fs.FS, error) {
	return func(s fakegateway.Solve) (fs.FS, error) {
		made, err := files(s)
		if made != nil {
			made = denying{made, name}
		}
		return made, err
	}
}

// denying is a file system with a file that nobody may open.
type denying struct {
	fs.FS
	name string
}

func (d denying) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.FS.Open(name)
}

func isTooOld(err error) bool { return errors.As(err, new(*imagebuild.TooOldError)) }

func isDistro(err error) bool { return errors.As(err, new(*llb.DistroError)) }

func isStep(err error) bool { return errors.Is(err, errStep) }

// isPlain reports that an error is of no kind.
func isPlain(err error) bool {
	return !isTooOld(err) && !errors.As(err, new(*imagebuild.ImageError)) && !errors.As(err, new(*llb.FieldError))
}

func isImage(kind imagebuild.Kind, otherPlatforms bool) func(error) bool {
	return func(err error) bool {
		var image *imagebuild.ImageError
		return errors.As(err, &image) && image.Kind() == kind && image.OtherPlatforms() == otherPlatforms && image.Ref == "debian:bookworm"
	}
}

func isField(name string) func(error) bool {
	return func(err error) bool {
		var field *llb.FieldError
		return errors.As(err, &field) && field.Field == name
	}
}
