package imagebuild_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// made builds a scene's request.
func (s *scene) made(t *testing.T) *imagebuild.Image {
	t.Helper()
	img, err := imagebuild.Build(t.Context(), s, s.Request)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// last is what was solved last: the image.
func (s *scene) last() fakegateway.Solve {
	all := s.Solves()
	return all[len(all)-1]
}

// onForeign lets the build enter on a deps image (lock) that rtbuild did not make.
func onForeign(s *scene) {
	s.on(plan.Lock, lockRef)
	s.Images[lockRef] = fakegateway.Image{Config: foreignConfig}
}

// TestEpoch: the time stamp of what is added is the user's, else that of the image that the build enters on, else 1970.
func TestEpoch(t *testing.T) {
	asked := time.Unix(1_000_000, 0)
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   time.Time
	}{
		{"the base's", func(*scene) {}, time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)},
		{"the user's", func(s *scene) { s.Epoch = &asked }, asked},
		{"nobody knows", onForeign, time.Unix(0, 0)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			img := s.made(t)
			if !img.Epoch.Equal(tt.want) || img.Config.Created == nil || !img.Config.Created.Equal(tt.want) {
				t.Errorf("got %v, created %v", img.Epoch, img.Config.Created)
			}
		})
	}
}

// TestOwner: the source belongs to the runtime's user, whose ids the labels of the deps image say.
func TestOwner(t *testing.T) {
	for _, tt := range []struct {
		name     string
		change   func(*scene)
		uid, gid uint32
	}{
		{"ids that are free in the base", func(*scene) {}, 1000, 1000},
		{"ids that another user has", func(s *scene) { s.base["etc/passwd"].Data = []byte("other:x:1000:1000::/:/bin/sh\n") }, 1001, 1000},
		{"the labels of a deps image (lock)", func(s *scene) { s.on(plan.Lock, lockRef) }, 4000, 5000},
		{"the labels of a deps image (versioned)", func(s *scene) { s.on(plan.Versioned, lockRef) }, 4000, 5000},
		{"an image without labels", onForeign, 1000, 1000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			s.made(t)
			copied := s.last().Vertex("[source] collect source").GetFile().GetActions()[1].GetCopy()
			if uid, gid := copied.Owner.User.GetByID(), copied.Owner.Group.GetByID(); uid != tt.uid || gid != tt.gid {
				t.Errorf("the source belongs to %d:%d", uid, gid)
			}
		})
	}
}

// TestOldSource: an older source is removed from images that rtbuild did not make, and from no others.
func TestOldSource(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   bool
	}{
		{"from scratch", func(*scene) {}, false},
		{"a deps image (lock)", func(s *scene) { s.on(plan.Lock, lockRef) }, false},
		{"a deps image (lock) that rtbuild did not make", onForeign, true},
		{"a deps image (versioned)", func(s *scene) { s.on(plan.Versioned, lockRef) }, false},
		{"a deps image (versioned) that rtbuild did not make", func(s *scene) { onForeign(s); s.Variant = plan.Versioned }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			s.made(t)
			removed := 0
			for _, name := range s.last().Names() {
				removed += strings.Count(name, "remove the old source")
			}
			if want := map[bool]int{true: 1}[tt.want]; removed != want {
				t.Errorf("it is removed %d times, not %d", removed, want)
			}
		})
	}
}

// TestLabels: the user's labels are in the source image alone. Ours, and no others, are annotations of the manifest too.
func TestLabels(t *testing.T) {
	ours := []string{
		labels.Stage, labels.Profile, labels.Platform, labels.Recipe, labels.UID, labels.GID, labels.ToolsLayers, labels.ToolsDigest, labels.DepsDigest,
		ocispecs.AnnotationBaseImageDigest, ocispecs.AnnotationBaseImageName, ocispecs.AnnotationVersion,
	}
	source := append(slices.Clone(ours), labels.SourceDigest, labels.Command)
	for _, tt := range []struct {
		name    string
		change  func(*scene)
		labels  []string
		annexed []string
	}{
		{"a source image", func(*scene) {}, append(slices.Clone(source), "mine"), append(slices.Clone(source), "noted")},
		{"a deps image", func(s *scene) { s.Stage = plan.StageDeps }, ours, append(slices.Clone(ours), "noted")},
		{"tools", func(s *scene) { s.Stage = llb.StageTools }, but(ours, labels.DepsDigest), append(but(ours, labels.DepsDigest), "noted")},
		{"what exists", func(s *scene) { s.on(plan.None, sourceRef) }, []string{labels.GID, labels.ToolsLayers, labels.Stage, labels.ToolsDigest, labels.UID},
			[]string{labels.GID, labels.ToolsLayers, labels.Stage, labels.ToolsDigest, labels.UID, "noted"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			s.Labels, s.Annotations = map[string]string{"mine": "1"}, map[string]string{"noted": "2"}
			tt.change(s)
			img := s.made(t)
			slices.Sort(tt.labels)
			slices.Sort(tt.annexed)
			if diff := cmp.Diff(tt.labels, slices.Sorted(maps.Keys(img.Config.Config.Labels))); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.annexed, slices.Sorted(maps.Keys(img.Annotations))); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
		})
	}
}

func but(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// TestFacts: the labels tell of what an image was made, by the base's digest, wherever it is known from.
func TestFacts(t *testing.T) {
	of := func(config string) string { return digest.FromString(config).String() }
	pinned := digest.FromString("pinned")
	for _, tt := range []struct {
		name   string
		change func(*scene)
		digest string
		from   string // the image that the graph begins with
		config string // of the image that the build entered on
	}{
		{"the builder's", func(*scene) {}, of(baseConfig), base + "@" + of(baseConfig), baseConfig},
		{"one that the plan has", func(s *scene) {
			s.Entry = imagebuild.EntryImage{Ref: "debian:bookworm@" + pinned.String(), Digest: pinned, Config: []byte(baseConfig)}
		}, pinned.String(), base + "@" + pinned.String(), baseConfig},
		{"the plan's reference has none", func(s *scene) {
			s.Entry = imagebuild.EntryImage{Ref: "debian:bookworm", Digest: pinned, Config: []byte(baseConfig)}
		}, pinned.String(), base + "@" + pinned.String(), baseConfig},
		{"a deps image (lock), which knows its base", func(s *scene) {
			s.on(plan.Versioned, lockRef)
			s.Images[lockRef] = fakegateway.Image{Config: strings.Replace(lockConfig, `"Labels":{`, `"Labels":{"`+
				ocispecs.AnnotationBaseImageDigest+`":"`+pinned.String()+`","`+ocispecs.AnnotationBaseImageName+`":"`+base+`",`, 1)}
		}, pinned.String(), lockRef + "@", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			img := s.made(t)
			labels := img.Config.Config.Labels
			if labels[ocispecs.AnnotationBaseImageDigest] != tt.digest || labels[ocispecs.AnnotationBaseImageName] != base {
				t.Errorf("the base is %s@%s", labels[ocispecs.AnnotationBaseImageName], labels[ocispecs.AnnotationBaseImageDigest])
			}
			if sources := s.last().Sources(); !slices.ContainsFunc(sources, func(source string) bool { return strings.HasPrefix(source, "docker-image://"+tt.from) }) {
				t.Errorf("the graph begins with %q", sources)
			}
			if tt.config != "" && string(img.Base) != tt.config {
				t.Errorf("the base's config is %s", img.Base)
			}
		})
	}
}

// TestScan: a bill of materials covers what a source image lays over its deps image, unless all of it is asked for or was pulled.
func TestScan(t *testing.T) {
	const tree, whole = "[source] collect source", "[source] copy source to /agent"
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   string
	}{
		{"the source", func(s *scene) { s.on(plan.Lock, lockRef) }, tree},
		{"the source, built from scratch", func(*scene) {}, tree},
		{"all", func(s *scene) { s.on(plan.Lock, lockRef); s.ScanAll = true }, whole},
		{"an extra command", func(s *scene) { s.on(plan.Lock, lockRef); s.Runtime.Extra = "true" }, "[extra] true"},
		{"a deps image", func(s *scene) { s.Stage = plan.StageDeps }, "[deps] npm ci: large packages"},
		{"what exists", func(s *scene) { s.on(plan.None, sourceRef) }, tree},
		{"all of what exists", func(s *scene) { s.on(plan.None, sourceRef); s.ScanAll = true }, "[base] " + sourceRef + "@"},
		{"a deps image that exists", func(s *scene) { s.on(plan.None, lockRef); s.Stage = plan.StageDeps }, "[base] " + lockRef + "@"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			tt.change(s)
			def, err := s.made(t).Scan.Marshal(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			vertices, err := fakegateway.Vertices(def.ToPB())
			if err != nil {
				t.Fatal(err)
			}
			if got := (fakegateway.Solve{Vertices: vertices}).Title(); !strings.HasPrefix(got, tt.want) {
				t.Errorf("it covers %q, want %q", got, tt.want)
			}
		})
	}
}

// TestStagesAreTold: each stage of a deps image but the last, and each large layer, is told before it is made. Nothing is told of an image that is there.
func TestStagesAreTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   []string
	}{
		{"from scratch", func(*scene) {}, []string{"system", "system", "system tools", "deps system tools"}},
		{"tools", func(s *scene) { s.Stage = llb.StageTools }, []string{"system", "system"}},
		{"system, whose packages are large", func(s *scene) { s.Stage = llb.StageSystem }, []string{"system"}},
		{"on a deps image (lock)", func(s *scene) { s.on(plan.Lock, lockRef) }, nil},
		{"nobody listens", func(s *scene) { s.OnStageDefined = nil }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene()
			told := s.OnStageDefined
			s.OnStageDefined = func(def *bkllb.Definition) {
				if n := len(s.Solves()); n != 1 {
					t.Errorf("told after %d solves", n)
				}
				told(def)
			}
			tt.change(s)
			s.made(t)
			if !slices.Equal(s.stages, tt.want) {
				t.Errorf("told %q, want %q", s.stages, tt.want)
			}
		})
	}
}

// TestResult: an index has a key for each platform, an image alone has none.
func TestResult(t *testing.T) {
	of := func(name string) *imagebuild.Image {
		return &imagebuild.Image{
			Platform: platforms.MustParse(name), Ref: &fakegateway.Reference{}, Config: &llb.Image{}, Base: []byte("base of " + name),
			Epoch: time.Unix(7, 0), Annotations: map[string]string{"a": name},
		}
	}
	for _, tt := range []struct {
		name   string
		images []*imagebuild.Image
		index  bool
		ids    []string // of the references; nil is one without
	}{
		{"an image", []*imagebuild.Image{of("linux/amd64")}, false, nil},
		{"an index of one image", []*imagebuild.Image{of("linux/amd64")}, true, []string{"linux/amd64"}},
		{"two images", []*imagebuild.Image{of("linux/amd64"), of("linux/arm64")}, false, []string{"linux/amd64", "linux/arm64"}},
		{"a platform that has two names", []*imagebuild.Image{of("linux/arm64/v8")}, true, []string{"linux/arm64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, err := imagebuild.Result(tt.images, tt.index)
			if err != nil {
				t.Fatal(err)
			}
			if ids := slices.Sorted(maps.Keys(res.Refs)); !slices.Equal(ids, tt.ids) || (res.Ref == nil) != (tt.ids != nil) {
				t.Errorf("the references are %q, the only one is %v", ids, res.Ref)
			}
			checkMetadata(t, res, tt.images, tt.ids)
		})
	}
}

// checkMetadata compares what a result tells the exporter of each image.
func checkMetadata(t *testing.T, res *gateway.Result, images []*imagebuild.Image, ids []string) {
	t.Helper()
	var known exptypes.Platforms
	if err := json.Unmarshal(res.Metadata[exptypes.ExporterPlatformsKey], &known); err != nil || len(known.Platforms) != len(images) {
		t.Errorf("the platforms are %v, %v", known, err)
	}
	for i, img := range images {
		suffix, annotation := "", exptypes.AnnotationManifestKey(nil, "a")
		if ids != nil {
			p := platforms.Normalize(img.Platform)
			suffix, annotation = "/"+ids[i], exptypes.AnnotationManifestKey(&p, "a")
		}
		for key, want := range map[string]string{
			exptypes.ExporterImageBaseConfigKey + suffix: string(img.Base), "source.date.epoch" + suffix: "7", annotation: img.Annotations["a"],
		} {
			if got := string(res.Metadata[key]); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
	}
}
