package planning_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

const (
	currentBase = digest.Digest("sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
	oldBase     = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
)

var (
	amd64 = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispecs.Platform{OS: "linux", Architecture: "arm64"}
)

// images maps references to images or errors. References without an entry are absent.
type images map[string]any

// looker looks up references in images, and records them.
type looker struct {
	images
	mu    sync.Mutex
	asked []string
}

func (l *looker) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, text)
}

// Lookup implements planning.Looker. An entry for "REF PLATFORM" comes before one for the reference.
func (l *looker) Lookup(ctx context.Context, ref string, platform ocispecs.Platform) (*plan.Image, error) {
	l.note(ref)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	held, ok := l.images[ref+" "+platforms.Format(platform)]
	if !ok {
		held = l.images[ref]
	}
	switch held := held.(type) {
	case *plan.Image:
		return held, nil
	case error:
		return nil, held
	}
	return nil, planning.Because(planning.ErrAbsent, errors.New(ref+" is absent"))
}

// Resolve implements planning.Looker.
func (l *looker) Resolve(_ context.Context, ref string, _ ocispecs.Platform) (digest.Digest, error) {
	l.note("base " + ref)
	if err, ok := l.images[ref].(error); ok {
		return "", err
	}
	return currentBase, nil
}

// image returns an image that rtbuild made from the current inputs. Pairs of label and value change its labels.
func image(ref, stage string, pairs ...string) *plan.Image {
	own := map[string]string{
		labels.Stage: stage, labels.ToolsDigest: "tools", labels.DepsDigest: "deps", labels.SourceDigest: "tree", labels.Recipe: "5",
		ocispecs.AnnotationBaseImageName: "docker.io/library/debian:bookworm", ocispecs.AnnotationBaseImageDigest: currentBase.String(),
	}
	for i := 0; i < len(pairs); i += 2 {
		own[pairs[i]] = pairs[i+1]
	}
	return &plan.Image{Reference: ref, Digest: currentBase, Labels: own}
}

func because(reason error) error {
	return planning.Because(reason, fmt.Errorf("looking up: %w\nand a second line", reason))
}

// request publishes to the repository r, and also looks for deps images in the repository x.
func request() planning.Request {
	return planning.Request{
		Input: plan.Input{
			Tags: tags.Set{
				Repository: "r", Source: "source", Lock: "lock", Versioned: "versioned",
				Images: tags.Images{Source: "r:source", Lock: "r:lock", Versioned: "r:versioned"},
			},
			Base: "debian:bookworm", Tree: "tree", Tools: "tools", DepsDigest: "deps", Recipe: 5,
		},
		Platforms: []ocispecs.Platform{amd64}, Reuse: []string{"x"}, PreviousTag: "previous",
	}
}

var everything = []string{
	"r:source", "r:lock", "x:lock", "r:versioned", "r:previous", "x:versioned", "x:previous",
}

// TestMake checks what the results of lookups mean, in which order references are looked up, and where the lookups stop.
// Exhaustive requests look up concurrently, so the order of their lookups does not matter.
func TestMake(t *testing.T) {
	source, lock, versioned := image("r:source", plan.StageSource), image("r:lock", plan.StageDeps), image("r:versioned", plan.StageDeps)
	all := images{"r:source": source, "r:lock": lock, "r:versioned": versioned}
	denied, broken, down := because(planning.ErrDenied), because(planning.ErrBroken), because(planning.ErrUnreachable)
	tests := []struct {
		name    string
		images  images
		change  func(*planning.Request)
		asked   []string // in this order; nil expects everything
		variant plan.Variant
		from    string
		exists  string // of source, lock, versioned
		warns   string
		err     error
		errRole string // "ROLE REF own"
	}{
		{name: "nothing exists", variant: plan.Scratch, from: "debian:bookworm", exists: "absent absent absent"},
		{name: "the source image suffices", images: all, asked: everything[:1], variant: plan.None, from: "r:source@" + currentBase.String(), exists: "fresh absent absent"},
		{name: "the deps image suffices", images: images{"r:lock": lock}, asked: everything[:2], variant: plan.Lock, from: "r:lock@" + currentBase.String(), exists: "absent fresh absent"},
		{name: "another repository has the deps image", images: images{"x:lock": image("x:lock", plan.StageDeps)}, asked: everything[:3], variant: plan.Lock,
			from: "x:lock@" + currentBase.String(), exists: "absent fresh absent"},
		{name: "the previous version's deps image suffices", images: images{"r:previous": image("r:previous", plan.StageDeps)}, asked: everything[:5], variant: plan.Versioned,
			from: "r:previous@" + currentBase.String(), exists: "absent absent fresh"},
		{name: "a stale image does not suffice", images: images{"r:source": image("r:source", plan.StageSource, labels.SourceDigest, "other"), "r:lock": lock},
			asked: everything[:2], variant: plan.Lock, from: "r:lock@" + currentBase.String(), exists: "stale fresh absent"},
		{name: "a deps image is wanted", images: all, change: func(r *planning.Request) { r.Input.Stage = plan.StageDeps }, asked: everything[1:2],
			variant: plan.None, from: "r:lock@" + currentBase.String(), exists: "absent fresh absent"},
		{name: "a deps image is given", change: func(r *planning.Request) { r.Input.Deps = "the context deps" }, asked: everything[:1],
			variant: plan.Lock, exists: "absent absent absent"},
		{name: "a deps image is given, and the base is not looked up", change: func(r *planning.Request) { r.Input.Deps, r.Input.Pull = "the context deps", true },
			asked: everything[:1], variant: plan.Lock, exists: "absent absent absent"},
		{name: "no repository", change: func(r *planning.Request) { r.Input.Tags = tags.Set{} }, asked: []string{}, variant: plan.Scratch,
			from: "debian:bookworm", exists: "absent absent absent"},
		{name: "force, not exhaustive", images: all, change: func(r *planning.Request) { r.Input.Force, r.Input.Pull = true, true }, asked: []string{},
			variant: plan.Scratch, from: "debian:bookworm", exists: "absent absent absent"},
		{name: "a variant is asked for", images: all, change: func(r *planning.Request) { r.Input.Variant = plan.Versioned },
			variant: plan.Versioned, from: "r:versioned@" + currentBase.String(), exists: "fresh fresh fresh"},
		{name: "exhaustive", images: all, change: exhaustive, asked: append([]string{"base debian:bookworm"}, everything...),
			variant: plan.None, from: "r:source@" + currentBase.String(), exists: "fresh fresh fresh"},
		{name: "force, exhaustive", images: all, change: forced, asked: append([]string{"base debian:bookworm"}, everything...),
			variant: plan.Scratch, from: "debian:bookworm@" + currentBase.String(), exists: "fresh fresh fresh"},
		{name: "pull looks up the base first", images: all, change: pulled, asked: []string{"base debian:bookworm", "r:source"},
			variant: plan.None, from: "r:source@" + currentBase.String(), exists: "fresh absent absent"},
		{name: "pull refuses an image on an old base", images: images{"r:lock": image("r:lock", plan.StageDeps, ocispecs.AnnotationBaseImageDigest, oldBase)}, change: pulled,
			asked: append([]string{"base debian:bookworm"}, everything...), variant: plan.Scratch, from: "debian:bookworm@" + currentBase.String(), exists: "absent stale absent"},
		{name: "pull needs the base", images: images{"debian:bookworm": down}, change: pulled, asked: []string{"base debian:bookworm"}, err: planning.ErrUnreachable},
		{name: "without pull, the base may be unknown", images: images{"debian:bookworm": down}, change: exhaustive, asked: append([]string{"base debian:bookworm"}, everything...),
			variant: plan.Scratch, from: "debian:bookworm", exists: "absent absent absent"},

		{name: "a registry does not answer", images: images{"r:lock": down}, asked: everything[:2], err: planning.ErrUnreachable, errRole: "lock r:lock true"},
		{name: "a registry does not answer, in spite of force", images: images{"r:lock": down}, change: forced, asked: append([]string{"base debian:bookworm"}, everything...),
			err: planning.ErrUnreachable, errRole: "lock r:lock true"},
		{name: "a broken image", images: images{"r:source": broken}, asked: everything[:1], err: planning.ErrBroken, errRole: "source r:source true"},
		{name: "force replaces a broken image", images: images{"r:source": broken}, change: forced, asked: append([]string{"base debian:bookworm"}, everything...),
			variant: plan.Scratch, from: "debian:bookworm@" + currentBase.String(), exists: "absent absent absent", warns: "looking up: the image cannot be read; it will be replaced"},
		{name: "the own repository is denied", images: images{"r:source": denied}, asked: everything[:1], err: planning.ErrDenied, errRole: "source r:source true"},
		{name: "the own repository is denied, and may not be pushed to", images: images{"r:source": denied}, change: pushable(errors.New("no")), asked: everything[:1],
			err: planning.ErrDenied, errRole: "source r:source true"},
		{name: "the own repository is denied, and may be pushed to", images: images{"r:source": denied, "r:lock": denied, "r:versioned": denied, "r:previous": denied},
			change: pushable(nil), variant: plan.Scratch, from: "debian:bookworm", exists: "absent absent absent",
			warns: "r cannot be read, but can be pushed to: its images count as absent"},
		{name: "another repository is denied", images: images{"x:lock": denied}, change: pushable(nil), asked: everything[:3], err: planning.ErrDenied, errRole: "lock x:lock false"},
		{name: "the variant cannot be entered", change: func(r *planning.Request) { r.Input.Variant = plan.Lock }, err: errText("variant lock cannot be built: no deps image under the lock tag")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &looker{images: tt.images}
			req := request()
			var warnings []string
			req.Warn = func(message string) { warnings = append(warnings, message) }
			if tt.change != nil {
				tt.change(&req)
			}
			result, err := planning.Make(t.Context(), l, req)
			if !sameAsked(l.asked, tt.asked, req.Exhaustive || req.Input.Variant != "") {
				t.Errorf("asked %q, want %q", l.asked, tt.asked)
			}
			if got := strings.Join(warnings, "\n"); got != tt.warns {
				t.Errorf("warned %q", got)
			}
			if wantError(t, err, tt.err, tt.errRole) {
				return
			}
			made := result.Platforms[0]
			exists := fmt.Sprint(made.Exists[planning.RoleSource], " ", made.Exists[planning.RoleLock], " ", made.Exists[planning.RoleVersioned])
			if made.Variant != tt.variant || made.From != tt.from || exists != tt.exists {
				t.Errorf("got %s from %q, %s", made.Variant, made.From, exists)
			}
		})
	}
}

func exhaustive(r *planning.Request) { r.Exhaustive = true }

func forced(r *planning.Request) { r.Exhaustive, r.Input.Force = true, true }

func pulled(r *planning.Request) { r.Input.Pull = true }

func pushable(err error) func(*planning.Request) {
	return func(r *planning.Request) { r.MayPush = func(context.Context) error { return err } }
}

// errText is an expected error that is compared by its text.
type errText string

func (e errText) Error() string { return string(e) }

// wantError checks an error, and reports whether there was one or should have been.
func wantError(t *testing.T, err, want error, role string) bool {
	t.Helper()
	var text errText
	if errors.As(want, &text) {
		if err == nil || err.Error() != string(text) {
			t.Errorf("got %v, want %v", err, want)
		}
		return true
	}
	var lookup *planning.LookupError
	got := ""
	if errors.As(err, &lookup) {
		got = fmt.Sprint(lookup.Role, " ", lookup.Ref, " ", lookup.Own)
	}
	if !errors.Is(err, want) || got != role {
		t.Errorf("got %v of %q, want %v of %q", err, got, want, role)
	}
	return want != nil || err != nil
}

// sameAsked compares the lookups with the expected ones; nil expects all. Concurrent lookups have no order, and an error may
// prevent some of them.
func sameAsked(got, want []string, unordered bool) bool {
	if want == nil {
		want = everything
	}
	if !unordered {
		return strings.Join(got, " ") == strings.Join(want, " ")
	}
	missing := map[string]bool{}
	for _, ref := range want {
		missing[ref] = true
	}
	for _, ref := range got {
		if !missing[ref] {
			return false
		}
		delete(missing, ref)
	}
	return len(missing) == 0
}

// TestOtherPlatforms checks that published tags keep their other platforms, and that tags with only other platforms are listed.
func TestOtherPlatforms(t *testing.T) {
	other := because(planning.ErrOtherPlatform)
	both := image("r:source", plan.StageSource)
	both.Platforms = []ocispecs.Platform{amd64, arm64}
	same := image("r:source", plan.StageSource)
	same.Platforms = []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}, {}}
	tests := []struct {
		name   string
		images images
		change func(*planning.Request)
		merges bool
		others string
	}{
		{name: "nothing exists"},
		{name: "nothing exists, and platforms are named", change: func(r *planning.Request) { r.Named = true }, merges: true},
		{name: "the tag is for another platform", images: images{"r:source": other, "r:lock": other}, merges: true, others: "r:source r:lock"},
		{name: "the tag is for another platform too", images: images{"r:source": both}, merges: true},
		{name: "the tag is for this platform", images: images{"r:source": same}},
		{name: "a tag that is not published is for another platform", images: images{"x:lock": other, "r:previous": other}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request()
			if tt.change != nil {
				tt.change(&req)
			}
			result, err := planning.Make(t.Context(), &looker{images: tt.images}, req)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(result.Platforms[0].OtherPlatforms, " "); result.MergesIndex != tt.merges || got != tt.others {
				t.Errorf("merges %t, others %q", result.MergesIndex, got)
			}
		})
	}
}

// TestPlatforms checks that each platform has its own plan, and that an error names the platform.
func TestPlatforms(t *testing.T) {
	req := request()
	req.Platforms = []ocispecs.Platform{amd64, arm64}
	held := images{"r:lock linux/amd64": image("r:lock", plan.StageDeps), "r:source linux/arm64": image("r:source", plan.StageSource)}
	for _, change := range []func(*planning.Request){func(*planning.Request) {}, exhaustive} {
		change(&req)
		result, err := planning.Make(t.Context(), &looker{images: held}, req)
		if err != nil {
			t.Fatal(err)
		}
		if result.Variant() != "lock,none" || result.Single() || result.Done() || result.Contested() {
			t.Errorf("got %+v", result)
		}
		if doc := result.Document(req.Input.Tags); len(doc.Platforms) != 2 || doc.Platforms["linux/arm64"].Variant != plan.None {
			t.Errorf("got %+v", doc)
		}
	}
	req.Input.Variant = plan.Lock
	_, err := planning.Make(t.Context(), &looker{images: held}, req)
	if err == nil || err.Error() != "linux/arm64: variant lock cannot be built: no deps image under the lock tag" {
		t.Errorf("got %v", err)
	}
}

// TestCancelled checks that a cancelled lookup does not count as an absent image.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, all := range []bool{true, false} {
		req := request()
		req.Exhaustive = all
		if _, err := planning.Make(ctx, &looker{}, req); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
}

// TestPublications checks that each tag is written once, in order, with its platforms.
func TestPublications(t *testing.T) {
	all, two, one := []string{"r:lock", "r:versioned", "r:source"}, []string{"r:lock", "r:source"}, []string{"r:source"}
	for _, tt := range []struct {
		name string
		a, b []string // what amd64 and arm64 publish
		want string
	}{
		{name: "nothing"},
		{name: "all of both", a: all, b: all, want: "r:lock=linux/amd64 linux/arm64; r:versioned=linux/amd64 linux/arm64; r:source=linux/amd64 linux/arm64"},
		{name: "one needs less", a: one, b: all, want: "r:lock=linux/arm64; r:versioned=linux/arm64; r:source=linux/amd64 linux/arm64"},
		{name: "one is new, one versioned", a: two, b: all, want: "r:lock=linux/amd64 linux/arm64; r:versioned=linux/arm64; r:source=linux/amd64 linux/arm64"},
		{name: "one exists", b: one, want: "r:source=linux/arm64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &planning.Result{Platforms: []planning.PlatformPlan{
				{Platform: amd64, Plan: &plan.Plan{Publish: tt.a}}, {Platform: arm64, Plan: &plan.Plan{Publish: tt.b}},
			}}
			var got []string
			for _, p := range r.Publications() {
				var names []string
				for _, platform := range p.Platforms {
					names = append(names, platforms.Format(platform))
				}
				got = append(got, p.Ref+"="+strings.Join(names, " "))
			}
			if text := strings.Join(got, "; "); text != tt.want {
				t.Errorf("got %q, want %q", text, tt.want)
			}
		})
	}
}

func TestSpellingOf(t *testing.T) {
	for _, tt := range []struct {
		from options.Source
		want plan.Spelling
	}{
		{options.Flags, plan.Spelling{Force: "--force-rebuild", Pull: "--pull", Versioned: "--variant versioned"}},
		{options.BuildArguments, plan.Spelling{
			Force: "--build-arg FORCE_REBUILD=1", Pull: "--build-arg PULL=1", Versioned: "--build-arg VARIANT=versioned",
		}},
	} {
		if got := planning.SpellingOf(tt.from); got != tt.want {
			t.Errorf("got %+v, want %+v", got, tt.want)
		}
	}
}
