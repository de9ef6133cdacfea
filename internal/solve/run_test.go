package solve_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testkit/fakebuilder"
	"github.com/rtbuild/rtbuild/internal/testkit/fakegateway"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

const image = "r.example.com/agent:source"

// existing asks for an image that is there, for a platform.
func existing(arch string) imagebuild.Request {
	return imagebuild.Request{
		Runtime: &llb.Runtime{Base: "debian", Prefix: "/agent"}, Platform: ocispecs.Platform{OS: "linux", Architecture: arch},
		Stage: plan.StageDeps, Variant: plan.None, Entry: imagebuild.EntryImage{Ref: image},
	}
}

// registry is a gateway whose registry holds an image for two platforms.
func registry() *fakegateway.Client {
	gw := fakegateway.New()
	for _, arch := range []string{"amd64", "arm64"} {
		gw.Images[image+" linux/"+arch] = fakegateway.Image{Config: `{"os":"linux","architecture":"` + arch + `"}`}
	}
	return gw
}

// TestRun: a job's requests become one result, and what the job says reaches the builder.
func TestRun(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*solve.Job, *fakegateway.Client)
		refs   []string // of the result; nil is one image without a name
		err    func(error) bool
		text   string
	}{
		{name: "an image", change: func(j *solve.Job, _ *fakegateway.Client) { j.Requests = j.Requests[:1] }},
		{name: "an index of one image", change: func(j *solve.Job, _ *fakegateway.Client) { j.Requests, j.Index = j.Requests[:1], true }, refs: []string{"linux/amd64"}},
		{name: "two images", change: func(*solve.Job, *fakegateway.Client) {}, refs: []string{"linux/amd64", "linux/arm64"}},
		{name: "caches that cannot be read", change: func(_ *solve.Job, gw *fakegateway.Client) { gw.Options.Opts["cache-imports"] = "{" }, err: isNew, text: "reading the caches"},
		{name: "an image that is not there", change: func(_ *solve.Job, gw *fakegateway.Client) { gw.Images = nil }, err: isImage, text: "does not exist for linux/"},
		{name: "one of two that is not there", change: func(_ *solve.Job, gw *fakegateway.Client) { delete(gw.Images, image+" linux/arm64") }, err: isImage, text: "does not exist for linux/arm64"},
		{name: "a registry that is not trusted", change: func(_ *solve.Job, gw *fakegateway.Client) {
			gw.Images = map[string]fakegateway.Image{image: {Err: errors.New("x509: certificate signed by unknown authority")}}
		}, err: isImage, text: "buildkitd.toml"},
		{name: "an inspection", change: func(j *solve.Job, _ *fakegateway.Client) {
			j.Inspect = func(context.Context, gateway.Client, imagebuild.Request) error { return nil }
		}},
		{name: "an inspection that fails", change: func(j *solve.Job, _ *fakegateway.Client) {
			j.Inspect = func(_ context.Context, _ gateway.Client, req imagebuild.Request) error {
				return errors.New(req.Platform.Architecture + " differs")
			}
		}, err: isNew, text: "amd64 differs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			job := solve.Job{
				Requests: []imagebuild.Request{existing("amd64"), existing("arm64")}, SharedKey: "key", Allowed: []string{"network.host"},
				Attrs: map[string]string{"a": "b"}, Imports: []client.CacheOptionsEntry{{Type: "registry"}}, Caches: []client.CacheOptionsEntry{{Type: "inline"}},
			}
			b := &fakebuilder.Builder{Gateway: registry()}
			tt.change(&job, b.Gateway)
			r, done := runner(t, b, 3)
			defer done()
			res, err := r.Run(t.Context(), job)
			if (err != nil) != (tt.err != nil) || err != nil && (!tt.err(err) || !strings.Contains(err.Error(), tt.text)) {
				t.Fatalf("got %v, %T: %v", res, err, err)
			}
			if len(b.Builds()) != 1 {
				t.Fatalf("tried %d times", len(b.Builds()))
			}
			if opt := b.Builds()[0]; opt.SharedKey != "key" || !slices.Equal(opt.AllowedEntitlements, job.Allowed) || opt.FrontendAttrs["a"] != "b" ||
				len(opt.CacheImports) != 1 || len(opt.CacheExports) != 1 || !strings.HasPrefix(opt.FrontendAttrs["platform"], "linux/amd64") {
				t.Errorf("asked for %+v", opt)
			}
			if err != nil {
				return
			}
			if got := slices.Sorted(maps.Keys(b.Results()[0].Refs)); !slices.Equal(got, tt.refs) {
				t.Errorf("the result has %q, want %q", got, tt.refs)
			}
		})
	}
}

// TestEarlyCompression: the stages of an image that is built from scratch are compressed while later ones build, if an export asks for layers.
func TestEarlyCompression(t *testing.T) {
	request := existing("amd64")
	request.Variant, request.Entry.Ref = plan.Scratch, "r.example.com/base:1"
	request.Runtime = &llb.Runtime{
		Base: request.Entry.Ref, Prefix: "/agent", Interpreter: llb.Interpreter{Name: "node", Version: "22"}, User: llb.User{Name: "root"},
		Installer: llb.NPM{}, Releases: releases.All(), Source: []string{"."},
	}
	export := func(attrs map[string]string) []solve.Export {
		return []solve.Export{{ExportEntry: client.ExportEntry{Type: client.ExporterOCI, Attrs: attrs}}}
	}
	for _, tt := range []struct {
		name    string
		exports []solve.Export
		imports []client.CacheOptionsEntry
		want    string // the compression of what is exported early
	}{
		{name: "a name", exports: export(map[string]string{"name": "x", "compression": "zstd"}), want: "zstd"},
		{name: "nothing is exported"},
		{name: "another builder may have compressed it", exports: export(map[string]string{"name": "x", "compression": "zstd"}), imports: []client.CacheOptionsEntry{{Type: "registry"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &fakebuilder.Builder{Gateway: registry()}
			b.Gateway.Images[request.Entry.Ref] = fakegateway.Image{Config: `{"os":"linux","architecture":"amd64"}`}
			b.Gateway.Files = func(fakegateway.Solve) (fs.FS, error) {
				return fstest.MapFS{"bin/sh": {}, "usr/bin/apt-get": {}, "usr/bin/dpkg": {}, "etc/os-release": {Data: []byte("ID=debian\n")}}, nil
			}
			r, done := runner(t, b, 0)
			defer done()
			if _, err := r.Run(t.Context(), solve.Job{Requests: []imagebuild.Request{request}, Exports: tt.exports, Imports: tt.imports}); err != nil {
				t.Fatal(err)
			}
			if n := len(b.Solves()); (n > 0) != (tt.want != "") {
				t.Errorf("%d stages are compressed early", n)
			}
			for _, solve := range b.Solves() {
				if attrs := solve.Opt.Exports[0].Attrs; attrs["compression"] != tt.want || attrs["name"] != "" || !solve.Opt.Internal {
					t.Errorf("%s is exported with %v", solve.Title, attrs)
				}
			}
		})
	}
}

// TestResponse: each export's digest comes from the builder's history, and the first image's from the merged answer where there is none.
func TestResponse(t *testing.T) {
	const first, second = "sha256:1", "sha256:2"
	for _, tt := range []struct {
		name    string
		digests []string
		outputs []string
		digest  string
	}{
		{"a history", []string{first, second}, []string{first, second}, first},
		{"a history that lacks one", []string{first}, []string{first, ""}, first},
		{"no history", nil, []string{"", ""}, "sha256:last"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &fakebuilder.Builder{Attempts: []fakebuilder.Attempt{{Digests: tt.digests, Answer: map[string]string{"containerimage.digest": "sha256:last"}}}}
			r, done := runner(t, b, 0)
			defer done()
			res, err := r.Run(t.Context(), solve.Job{Exports: []solve.Export{solve.DigestExport("a"), solve.DigestExport("b")}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, output := range res.Outputs {
				got = append(got, output.Digest)
			}
			if diff := cmp.Diff(tt.outputs, got); diff != "" || res.Digest() != tt.digest {
				t.Errorf("digest %s, outputs (-want +got):\n%s", res.Digest(), diff)
			}
		})
	}
}

// TestStepError: a failed step is told by its name and its last lines.
func TestStepError(t *testing.T) {
	b := &fakebuilder.Builder{Attempts: []fakebuilder.Attempt{{Err: step, Status: &client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: "sha256:1", Name: "[deps] npm ci"}},
		Logs:     []*client.VertexLog{{Vertex: "sha256:1", Data: []byte("npm error\n")}, {Vertex: "sha256:2", Data: []byte("another\n")}},
	}}}}
	r, done := runner(t, b, 3)
	defer done()
	var got *solve.StepError
	if _, err := r.Run(t.Context(), solve.Job{}); !errors.As(err, &got) || got.Step != "[deps] npm ci" || got.ExitCode != 7 || !slices.Equal(got.Lines, []string{"npm error"}) {
		t.Errorf("got %+v", got)
	}
}

// TestChangedFile: a file that changes while it is sent ends the build at once. It is not tried again: the tags would be wrong.
func TestChangedFile(t *testing.T) {
	dir := t.TempDir()
	write := func(content string) {
		if err := os.WriteFile(filepath.Join(dir, "a"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	tree, err := tags.Scan(t.Context(), dir, tags.Source{Paths: []tags.Path{{Path: ".", Hash: true}}})
	if err != nil {
		t.Fatal(err)
	}
	local, err := solve.NewLocal(dir, tree.Entries, solve.Installation{})
	if err != nil {
		t.Fatal(err)
	}
	job := solve.Job{Locals: map[string]*solve.Local{"source": local}}
	defer job.Close()
	b := &fakebuilder.Builder{Attempts: []fakebuilder.Attempt{{Err: lost, During: func(ctx context.Context, opt client.SolveOpt) {
		write("two")
		f, err := opt.LocalMounts["source"].Open("a")
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		if _, err := io.ReadAll(f); err == nil {
			t.Error("the file is sent whole")
		}
		<-ctx.Done()
	}}}}
	r, done := runner(t, b, 3)
	defer done()
	var changed *tags.ChangedError
	if _, err := r.Run(t.Context(), job); !errors.As(err, &changed) || len(b.Builds()) != 1 {
		t.Errorf("tried %d times: %v", len(b.Builds()), err)
	}
}

// TestOutputsOfAttempts: a file gets its content from the attempt that succeeds. One that fails leaves the older file.
func TestOutputsOfAttempts(t *testing.T) {
	for _, tt := range []struct {
		name string
		ends []error
		want string
	}{
		{"the first attempt", []error{nil}, "attempt 1"},
		{"the second", []error{errors.New("connection reset: failed to push x: connection reset "), nil}, "attempt 2"},
		{"none", []error{step}, "old"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dest := filepath.Join(t.TempDir(), "image.tar")
			if err := os.WriteFile(dest, []byte("old"), 0o644); err != nil {
				t.Fatal(err)
			}
			export, err := solve.ParseOutput("type=oci,dest=" + dest)
			if err != nil {
				t.Fatal(err)
			}
			b := &fakebuilder.Builder{Attempts: ends(tt.ends...)}
			for i := range b.Attempts {
				b.Attempts[i].During = func(_ context.Context, opt client.SolveOpt) { send(t, opt, "attempt "+string(rune('1'+i))) }
			}
			r, done := runner(t, b, 1)
			defer done()
			_, err = r.Run(t.Context(), solve.Job{Exports: []solve.Export{export}})
			if last := tt.ends[len(tt.ends)-1]; (err != nil) != (last != nil) {
				t.Errorf("got %v", err)
			}
			if got, err := os.ReadFile(dest); err != nil || string(got) != tt.want {
				t.Errorf("the file holds %q, %v", got, err)
			}
			if all, _ := os.ReadDir(filepath.Dir(dest)); len(all) != 1 {
				t.Errorf("%d files are left", len(all))
			}
		})
	}
}

// send writes the first export, as a builder does.
func send(t *testing.T, opt client.SolveOpt, content string) {
	t.Helper()
	w, err := opt.Exports[0].Output(nil)
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

// TestCheckPlatforms: what a builder can run is asked only where something is to run.
func TestCheckPlatforms(t *testing.T) {
	amd64, arm64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}, ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	for _, tt := range []struct {
		name   string
		offers []ocispecs.Platform
		fails  error
		wanted []ocispecs.Platform
		is     func(error) bool
	}{
		{name: "nothing runs", fails: lost},
		{name: "its own platform", offers: []ocispecs.Platform{amd64}, wanted: []ocispecs.Platform{amd64}},
		{name: "an emulated one", offers: []ocispecs.Platform{amd64, arm64}, wanted: []ocispecs.Platform{arm64}},
		{name: "one that it lacks", offers: []ocispecs.Platform{amd64}, wanted: []ocispecs.Platform{amd64, arm64}, is: func(err error) bool {
			var lacks *solve.PlatformError
			return errors.As(err, &lacks) && len(lacks.Lacks) == 1 && lacks.Lacks[0].Architecture == "arm64"
		}},
		{name: "it does not answer", fails: lost, wanted: []ocispecs.Platform{amd64}, is: isBuilder},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := &solve.Builder{Client: &fakebuilder.Builder{Workers: []*client.WorkerInfo{{Platforms: tt.offers}}, Err: tt.fails}}
			if err := b.CheckPlatforms(t.Context(), tt.wanted); (err != nil) != (tt.is != nil) || err != nil && !tt.is(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}
