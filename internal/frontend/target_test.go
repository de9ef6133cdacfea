package frontend_test

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"

	"github.com/rtbuild/rtbuild/tags/labels"
)

// TestTargets: what each target asks for in which order, where it stops, what it builds, and under which names it goes.
func TestTargets(t *testing.T) {
	tests := []struct {
		name   string
		set    []string // options of the command line
		exists []string
		asked  string
		plan   string
		steps  string
		stage  string // of the image
		names  string // for an output with name=*
		warns  string

		sideBySide bool // the order in which images are asked for does not count
	}{
		{name: "source", asked: "source lock versioned base", plan: "scratch: ", steps: "system tools deps source", stage: "source", names: "source", warns: "build target deps first"},
		{name: "source, which exists", exists: []string{"source", "lock", "versioned"}, asked: "source", plan: "none: ", steps: "", stage: "source", names: "source"},
		{name: "source, on a deps image (lock)", exists: []string{"lock", "versioned"}, asked: "source lock", plan: "lock: ", steps: "source", stage: "source", names: "source"},
		{name: "source, on a deps image (versioned)", exists: []string{"versioned"}, asked: "source lock versioned", plan: "versioned: ", steps: "deps source", stage: "source",
			names: "source", warns: "build target deps first"},
		{name: "source, by name", set: []string{"target", "SOURCE"}, exists: []string{"lock"}, asked: "source lock", plan: "lock: ", steps: "source", stage: "source", names: "source"},
		{name: "extra is source", set: []string{"target", "extra", "build-arg:EXTRA_DEPS", "true"}, exists: []string{"lock"}, asked: "source lock", plan: "lock: ",
			steps: "source extra", stage: "source", names: "source"},
		{name: "deps", set: []string{"target", "deps"}, asked: "lock versioned base", plan: "scratch: ", steps: "system tools deps", stage: "deps", names: "lock,versioned"},
		{name: "deps, which exist", set: []string{"target", "deps"}, exists: []string{"source", "lock"}, asked: "lock", plan: "none: ", stage: "deps", names: "lock"},
		{name: "deps, on a deps image (versioned)", set: []string{"target", "deps"}, exists: []string{"versioned"}, asked: "lock versioned", plan: "versioned: ", steps: "deps", stage: "deps", names: "lock"},
		{name: "tools", set: []string{"target", "tools"}, exists: []string{"source", "lock"}, asked: "base", plan: "scratch: ", steps: "system tools", stage: "tools"},
		{name: "system", set: []string{"target", "system"}, exists: []string{"source", "lock"}, asked: "base", plan: "scratch: ", steps: "system", stage: "system"},
		{name: "tags", set: []string{"target", "tags"}, exists: []string{"source"}, asked: "", plan: "write tags.json"},
		{name: "plan", set: []string{"target", "plan"}, exists: []string{"source"}, asked: "base lock source versioned", plan: "write plan.json", sideBySide: true},
		{name: "nothing that exists counts", set: []string{"build-arg:FORCE_REBUILD", "1"}, exists: []string{"source", "lock", "versioned"}, asked: "base", plan: "scratch: ",
			steps: "system tools deps source", stage: "source", names: "source", warns: "build target deps first"},
		{name: "a newer base may count", set: []string{"build-arg:PULL", "true"}, exists: []string{"source"}, asked: "base source", plan: "none: ", stage: "source", names: "source"},
		{name: "docker build --pull", set: []string{"image-resolve-mode", "pull"}, exists: []string{"source"}, asked: "base source", plan: "none: ", stage: "source", names: "source"},
		{name: "other repositories", set: []string{"build-arg:REUSE_FROM", "x.example.com/a, ,y.example.com/b"}, exists: []string{"versioned"},
			asked: "source lock x.example.com/a:lock y.example.com/b:lock versioned", plan: "versioned: ", steps: "deps source", stage: "source", names: "source", warns: "build target deps first"},
		{name: "an earlier version", set: []string{"build-arg:PREVIOUS_VERSION", "1.0.0"},
			asked: "source lock versioned PREVIOUS base", plan: "scratch: ", steps: "system tools deps source", stage: "source", names: "source", warns: "build target deps first"},
		{name: "a variant", set: []string{"build-arg:VARIANT", "scratch", "target", "deps"}, exists: []string{"lock"}, asked: "lock versioned base", plan: "scratch: ", steps: "system tools deps",
			stage: "deps", names: "lock,versioned", sideBySide: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			s.exists(tt.exists...)
			res := s.set(tt.set...).must()
			names := s.again().set("build-arg:PREVIOUS_VERSION", "").names()
			got := strings.ReplaceAll(s.asked(), strings.Replace(names.Images.Versioned, "1.2.3", "1.0.0", 1), "PREVIOUS")
			if tt.sideBySide {
				got, tt.asked = sorted(got), sorted(tt.asked)
			}
			if got != tt.asked {
				t.Errorf("asked for %q, want %q", got, tt.asked)
			}
			if planned := s.planned(); len(planned) != 1 || !strings.HasPrefix(planned[0], tt.plan) {
				t.Errorf("planned %q, want %q", planned, tt.plan)
			}
			if steps := s.steps(); steps != tt.steps {
				t.Errorf("built %q, want %q", steps, tt.steps)
			}
			if tt.stage == "" {
				return
			}
			if stage := config(t, res, "").Config.Labels[labels.Stage]; stage != tt.stage {
				t.Errorf("the image is of stage %q, not %q", stage, tt.stage)
			}
			var published []string
			for ref := range strings.SplitSeq(string(res.Metadata[exptypes.ExporterImageNameKey]), ",") {
				if ref != "" {
					published = append(published, short(names, ref))
				}
			}
			if text := strings.Join(published, ","); text != tt.names {
				t.Errorf("its names are %q, want %q", text, tt.names)
			}
			checkWarnings(t, s, tt.warns)
		})
	}
}

// checkWarnings compares what was said with what was wanted: part of the only message, or none.
func checkWarnings(t *testing.T, s *scene, want string) {
	t.Helper()
	got := s.Warnings()
	if want == "" && len(got) == 0 || want != "" && len(got) == 1 && strings.Contains(got[0].Text, want) && got[0].File == "runtime.yaml" {
		return
	}
	t.Errorf("warned %+v, want %q", got, want)
}

// TestSpelling: what is said of an image names the build arguments that change it, which a user of docker buildx can give.
func TestSpelling(t *testing.T) {
	for _, tt := range []struct {
		name, role string
		change     func(own map[string]string) // of the deps image
		note, plan string                      // part of what is said
	}{
		{name: "an older recipe", role: "lock", change: func(own map[string]string) { own[labels.Recipe] = "0" }, note: "(use --build-arg PULL=1 to rebuild it)"},
		{name: "inputs that are not known", role: "lock", change: func(own map[string]string) { delete(own, labels.DepsDigest) },
			note: "(use --build-arg FORCE_REBUILD=1 to rebuild it)"},
		{name: "an image that rtbuild did not make", role: "versioned", change: func(own map[string]string) { clear(own) },
			plan: "(--build-arg VARIANT=versioned builds on it anyway)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScene(t)
			images := s.names().Images
			s.publish("deps", map[string]string{"lock": images.Lock, "versioned": images.Versioned}[tt.role], tt.change)
			s.must()
			if tt.note != "" {
				checkWarnings(t, s, tt.note)
			}
			if planned := s.planned(); len(planned) != 1 || !strings.Contains(planned[0], tt.plan) {
				t.Errorf("planned %q, want %q", planned, tt.plan)
			}
		})
	}
}

// TestCompression: the source has a cache key of its own for each compression that the build argument names.
func TestCompression(t *testing.T) {
	for given, want := range map[string]string{"": "", "gzip": "", "zstd,level=3": "compression zstd 3"} {
		s := newScene(t)
		s.exists("lock")
		s.set("build-arg:COMPRESSION", given).must()
		solves := s.Solves()
		actions := solves[len(solves)-1].Vertex("[source] collect source").GetFile().GetActions()
		if got := strings.Join(actions[len(actions)-1].GetCopy().GetExcludePatterns(), " "); got != want {
			t.Errorf("%q: got %q, want %q", given, got, want)
		}
	}
	s := newScene(t)
	_, err := s.set("build-arg:COMPRESSION", "xz").build()
	if err == nil || !strings.Contains(err.Error(), `invalid build argument COMPRESSION "xz": must be gzip, zstd, estargz or uncompressed`) {
		t.Errorf("got error %v", err)
	}
}
