package frontend_test

import (
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/tonistiigi/fsutil"

	"github.com/rtbuild/rtbuild/internal/frontend"
	"github.com/rtbuild/rtbuild/internal/sourcestep"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

const (
	repository = "r.example.com/agents/node"
	debian     = "docker.io/library/debian:bookworm"
)

// debianConfig is the base's.
const debianConfig = `{"architecture":"amd64","os":"linux","created":"2024-01-02T03:04:05Z","config":{"Env":["PATH=/usr/bin:/bin"]},` +
	`"rootfs":{"type":"layers","diff_ids":["sha256:1"]},"history":[{"created_by":"one"}]}`

// scene is a project, and the builder that builds it.
type scene struct {
	*fakegateway.Client
	t       *testing.T
	project string // its directory
	base    fstest.MapFS
	loads   map[string]fs.FS // what comes of the project in a transfer, by its title, where it differs
	failing map[string]error // by the operation that fails
}

// newScene makes the project of an agent in JavaScript.
func newScene(t *testing.T) *scene {
	s := &scene{Client: fakegateway.New(), t: t, loads: map[string]fs.FS{}, failing: map[string]error{}}
	s.project = projecttest.Tree(t,
		"runtime.yaml", "base: debian:bookworm\npackages: [git]\nrepository: "+repository+"\n",
		"package.json", `{"name":"agent","version":"1.2.3","scripts":{"start":"node server.js"}}`,
		"package-lock.json", `{"name":"agent","version":"1.2.3","lockfileVersion":3,"packages":{"":{"name":"agent","version":"1.2.3"}}}`,
		"server.js", "console.log(1)\n",
	)
	s.base = fstest.MapFS{
		"bin/sh": {Mode: 0o755}, "usr/bin/apt-get": {Mode: 0o755}, "usr/bin/dpkg": {Mode: 0o755},
		"etc/os-release": {Data: []byte("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n")},
	}
	s.Options.Opts["filename"] = "runtime.yaml"
	s.Images[debian] = fakegateway.Image{Config: debianConfig}
	s.Images[debian+" linux/arm64"] = fakegateway.Image{Config: strings.Replace(debianConfig, "amd64", "arm64", 1)}
	s.Files = s.solve
	return s
}

// solve answers what the frontend asks of the builder: files of the project, of the base, and the step that hashes the source.
func (s *scene) solve(solve fakegateway.Solve) (fs.FS, error) {
	title := solve.Title()
	if err := solve.Failure(s.failing); err != nil {
		return nil, err
	}
	if files, ok := s.loads[title]; ok {
		return files, nil
	}
	switch {
	case strings.HasPrefix(title, "[internal] load "), strings.HasPrefix(title, "[context source"):
		return os.DirFS(s.project), nil
	case title == "[source] hash the source tree":
		return s.hash(solve)
	case solve.IsImage():
		return s.base, nil
	}
	return nil, nil
}

// hash runs the step as the frontend's image would, on what the transfers of the source let through.
func (s *scene) hash(solve fakegateway.Solve) (fs.FS, error) {
	dirs := sourcestep.Dirs{Context: s.t.TempDir(), Report: s.t.TempDir()}
	for _, v := range solve.Vertices {
		if attrs := v.GetSource().GetAttrs(); attrs != nil {
			if err := transfer(s.t.Context(), s.project, dirs.Context, attrs); err != nil {
				return nil, err
			}
		}
	}
	args := solve.Vertex(solve.Title()).GetExec().Meta.Args
	err := sourcestep.RunIn(s.t.Context(), args[1:], dirs)
	return os.DirFS(dirs.Report), err
}

// transfer copies what BuildKit would of a user's directory.
func transfer(ctx context.Context, from, to string, attrs map[string]string) error {
	var opt fsutil.FilterOpt
	for key, patterns := range map[string]*[]string{
		pb.AttrIncludePatterns: &opt.IncludePatterns, pb.AttrExcludePatterns: &opt.ExcludePatterns, pb.AttrFollowPaths: &opt.FollowPaths,
	} {
		if text := attrs[key]; text != "" {
			if err := json.Unmarshal([]byte(text), patterns); err != nil {
				return err
			}
		}
	}
	all, err := fsutil.NewFS(from)
	if err != nil {
		return err
	}
	filtered, err := fsutil.NewFilterFS(all, &opt)
	if err != nil {
		return err
	}
	return filtered.Walk(ctx, "/", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return put(filepath.Join(to, name), filepath.Join(from, name), d)
	})
}

// put copies a file, link or directory, without what is in it.
func put(dest, from string, d fs.DirEntry) error {
	info, err := d.Info()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return os.MkdirAll(dest, 0o755)
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		_ = os.Remove(dest) // a later transfer lies over an earlier one
		return os.Symlink(target, dest)
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(dest, data, 0o644)
}

// put writes a file of the project.
func (s *scene) put(name, content string) {
	s.t.Helper()
	file := filepath.Join(s.project, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// set gives options of the command line: alternating names and values.
func (s *scene) set(pairs ...string) *scene {
	for i := 0; i < len(pairs); i += 2 {
		s.Options.Opts[pairs[i]] = pairs[i+1]
	}
	return s
}

// build runs the frontend.
func (s *scene) build() (*gateway.Result, error) { return frontend.Build(s.t.Context(), s) }

// must runs the frontend, which has to succeed.
func (s *scene) must() *gateway.Result {
	s.t.Helper()
	res, err := s.build()
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

// again is the same project on a builder that was asked nothing yet.
func (s *scene) again() *scene {
	other := *s
	other.Client = fakegateway.New()
	other.Options.Opts, other.Images, other.Targets = maps.Clone(s.Options.Opts), maps.Clone(s.Images), s.Targets
	other.Files = other.solve
	return &other
}

// names returns the names of the project's images.
func (s *scene) names() tags.Set {
	s.t.Helper()
	other := s.again().set("target", "tags")
	other.must()
	var names tags.Set
	solve, _ := other.Find("[plan] write tags.json")
	for _, action := range solve.Vertex(solve.Title()).GetFile().GetActions() {
		if err := json.Unmarshal(action.GetMkfile().GetData(), &names); err != nil {
			s.t.Fatal(err)
		}
	}
	if names.Images.Source == "" {
		s.t.Fatal("no names were written")
	}
	return names
}

// publish builds a target from scratch, and puts the image into the registry under a name. change edits its labels; it may be nil.
func (s *scene) publish(target, ref string, change func(own map[string]string)) {
	s.t.Helper()
	other := s.again().set("target", target, "build-arg:FORCE_REBUILD", "1")
	img := config(s.t, other.must(), "")
	if change != nil {
		change(img.Config.Labels)
	}
	data, err := json.Marshal(img)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Images[ref] = fakegateway.Image{Config: string(data)}
}

// config is an image's, by its platform, or the only one's.
func config(t *testing.T, res *gateway.Result, platform string) *llb.Image {
	t.Helper()
	key := exptypes.ExporterImageConfigKey
	if platform != "" {
		key += "/" + platform
	}
	img, err := llb.ParseImage(res.Metadata[key])
	if err != nil {
		t.Fatalf("the config of %q: %v", platform, err)
	}
	return img
}

// exists puts images of the project into the registry, by role. "versioned" has other dependencies.
func (s *scene) exists(roles ...string) {
	names := s.names().Images
	for _, role := range roles {
		switch role {
		case "source":
			s.publish("source", names.Source, nil)
		case "lock":
			s.publish("deps", names.Lock, nil)
		case "versioned":
			s.publish("deps", names.Versioned, func(own map[string]string) { own[labels.DepsDigest] = "other" })
		}
	}
}

// asked are the images that were asked for, in order: those of the project by role, others by name.
func (s *scene) asked() string {
	names := s.names()
	var all []string
	for _, ref := range s.Refs() {
		all = append(all, short(names, ref))
	}
	return strings.Join(all, " ")
}

// short is what a reference is for.
func short(names tags.Set, ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	switch ref {
	case debian:
		return "base"
	case names.Images.Source:
		return "source"
	case names.Images.Lock:
		return "lock"
	case names.Images.Versioned:
		return "versioned"
	}
	if elsewhere, ok := strings.CutSuffix(ref, ":"+names.Lock); ok {
		return elsewhere + ":lock"
	}
	return ref
}

// planned are the announcements of what a build does.
func (s *scene) planned() (all []string) {
	for _, solve := range s.Solves() {
		if title, ok := strings.CutPrefix(solve.Title(), "[plan] "); ok {
			all = append(all, title)
		}
	}
	slices.Sort(all) // platforms are planned side by side
	return all
}

// steps are the stages of which what was solved last has steps.
func (s *scene) steps() string {
	var all []string
	solves := s.Solves()
	for _, name := range solves[len(solves)-1].Names() {
		stage, _, _ := strings.Cut(strings.TrimPrefix(name, "["), "]")
		if slices.Contains([]string{"system", "tools", "deps", "source", "extra"}, stage) && !slices.Contains(all, stage) {
			all = append(all, stage)
		}
	}
	return strings.Join(all, " ")
}

// sorted puts words in order.
func sorted(words string) string {
	all := strings.Fields(words)
	slices.Sort(all)
	return strings.Join(all, " ")
}
