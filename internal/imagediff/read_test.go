package imagediff

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/registry"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

var (
	amd64 = ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = ocispecs.Platform{OS: "linux", Architecture: "arm64"}
)

// registryFor starts a registry, and returns it with a reader without credentials.
func registryFor(t *testing.T, options ...testenv.RegistryOption) (*testenv.Registry, *Reader) {
	t.Helper()
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	return reg, readerFor(t)
}

func readerFor(t *testing.T) *Reader {
	t.Helper()
	client, err := registry.New(registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Reader{Registry: client, Platform: amd64}
}

// blobOf returns a layer's blob.
func blobOf(t *testing.T, l layer, mediaType string) testenv.Blob {
	t.Helper()
	data := l.tar(t)
	diffID := digest.FromBytes(data)
	switch mediaType {
	case ocispecs.MediaTypeImageLayerGzip:
		data = gzipped(t, data)
	case ocispecs.MediaTypeImageLayerZstd:
		data = zstded(t, data)
	}
	blob := testenv.BytesBlob(mediaType, data)
	blob.DiffID = diffID
	return blob
}

func gzipBlobs(t *testing.T, layers ...layer) []testenv.Blob {
	t.Helper()
	blobs := make([]testenv.Blob, len(layers))
	for i, l := range layers {
		blobs[i] = blobOf(t, l, ocispecs.MediaTypeImageLayerGzip)
	}
	return blobs
}

// push pushes an image with these layers, and returns its reference.
func push(t *testing.T, reg *testenv.Registry, name string, config ocispecs.Image, blobs ...testenv.Blob) string {
	t.Helper()
	if config.OS == "" {
		config.Platform = amd64
	}
	repository, tag, _ := strings.Cut(name, ":")
	if _, err := reg.PushImage(t.Context(), repository, tag, config, blobs...); err != nil {
		t.Fatal(err)
	}
	return reg.Host + "/" + name
}

// fetched counts the requests for each blob since the last call.
func fetched(reg *testenv.Registry) map[string]int {
	all := map[string]int{}
	_, _, requests := reg.Traffic()
	for _, r := range requests {
		if _, name, ok := strings.Cut(r, "/blobs/"); ok && strings.HasPrefix(r, "GET ") {
			all[name]++
		}
	}
	return all
}

func TestReaderDiff(t *testing.T) {
	base, tools := layer{dir("etc", 0o755), file("etc/motd", "1")}, layer{dir("opt", 0o755), file("opt/tool", "1")}
	one, two := layer{dir("opt", 0o755), file("opt/tool", "12")}, layer{dir("opt", 0o755), file("opt/tool", "123")}
	three := layer{dir("opt", 0o755), file("opt/tool", "12"), file("opt/more", "1")}
	tests := []struct {
		name     string
		from, to []layer
		skip     bool
		want     []string
		fetched  []layer // exactly these, each once
	}{
		{name: "nothing but the config", from: []layer{base, tools}, to: []layer{base, tools}},
		{name: "both change the same", from: []layer{base, tools, one}, to: []layer{base, tools, two},
			want: []string{"~ /opt/tool: size 2 -> 3 bytes"}, fetched: []layer{one, two}},
		{name: "one changes", from: []layer{base, tools}, to: []layer{base, tools, two},
			want: []string{"~ /opt/tool: size 1 -> 3 bytes"}, fetched: []layer{two, tools}},
		{name: "one adds", from: []layer{base, tools, one}, to: []layer{base, tools, three},
			want: []string{"+ /opt/more: file 0644 0:0, 1 B"}, fetched: []layer{one, three, tools, base}},
		{name: "one adds, and shared layers are skipped", from: []layer{base, tools, one}, to: []layer{base, tools, three}, skip: true,
			want: []string{"? /opt/more: as in the shared layers -> file 0644 0:0, 1 B"}, fetched: []layer{one, three}},
		{name: "a layer in both, above what differs", from: []layer{base, one, tools}, to: []layer{base, two, tools}, fetched: []layer{one, two, tools}},
		{name: "a layer twice", from: []layer{base, two}, to: []layer{one, base, one},
			want: []string{"~ /opt/tool: size 3 -> 2 bytes"}, fetched: []layer{base, one, two}},
		{name: "nothing shared", from: []layer{base}, to: []layer{two},
			want:    []string{"- /etc: directory 0755 0:0", "- /etc/motd: file 0644 0:0, 1 B", "+ /opt: directory 0755 0:0", "+ /opt/tool: file 0644 0:0, 3 B"},
			fetched: []layer{base, two}},
		{name: "no layers", from: []layer{}, to: []layer{base},
			want: []string{"+ /etc: directory 0755 0:0", "+ /etc/motd: file 0644 0:0, 1 B"}, fetched: []layer{base}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reg, reader := registryFor(t)
			reader.SkipShared = tt.skip
			from := push(t, reg, "team/a:1", ocispecs.Image{}, gzipBlobs(t, tt.from...)...)
			to := push(t, reg, "b:2", ocispecs.Image{Config: ocispecs.ImageConfig{User: "x"}}, gzipBlobs(t, tt.to...)...)
			fetched(reg)
			d, err := reader.Diff(t.Context(), from, to)
			if err != nil {
				t.Fatal(err)
			}
			wantLines(t, lines(d), tt.want)
			if len(d.Config) != 1 || d.From.Reference != from || d.To.Reference != to {
				t.Errorf("got %s", d)
			}
			got := fetched(reg)
			for _, l := range slices.Concat(tt.from, tt.to) {
				name, want := gzipBlobs(t, l)[0].Digest.String(), 0
				if slices.ContainsFunc(tt.fetched, func(f layer) bool { return gzipBlobs(t, f)[0].Digest.String() == name }) {
					want = 1
				}
				if got[name] != want {
					t.Errorf("layer of %s: fetched %d times, want %d", l[len(l)-1].Name, got[name], want)
				}
			}
		})
	}
}

func TestReaderDiffSameImage(t *testing.T) {
	reg, reader := registryFor(t)
	var told []string
	reader.Progress = func(message string) { told = append(told, message) }
	blobs := gzipBlobs(t, layer{file("a", "1")})
	one := push(t, reg, "a:1", ocispecs.Image{}, blobs...)
	other := push(t, reg, "team/b:2", ocispecs.Image{}, blobs...)
	fetched(reg)
	for _, to := range []string{one, other} {
		d, err := reader.Diff(t.Context(), one, to)
		if err != nil || !d.Equal() || !strings.HasSuffix(d.String(), "\nThe images are the same: "+d.From.Manifest.String()+"\n") {
			t.Errorf("got %s, %v", d, err)
		}
	}
	if n := fetched(reg)[blobs[0].Digest.String()]; n != 0 || told != nil {
		t.Errorf("the layer was fetched %d times; %q", n, told)
	}
}

// TestReaderReadsEveryCompression compares the same files in layers of each compression, and with wrong media types.
func TestReaderReadsEveryCompression(t *testing.T) {
	reg, reader := registryFor(t)
	files := layer{dir("d", 0o755), file("d/a", strings.Repeat("content ", 10_000)), file("cap", "1").xattr("security.capability", "\x01")}
	docker := blobOf(t, files, ocispecs.MediaTypeImageLayerGzip)
	docker.MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	wrong := blobOf(t, files, ocispecs.MediaTypeImageLayerZstd)
	wrong.MediaType = ocispecs.MediaTypeImageLayer
	plain := push(t, reg, "it:plain", ocispecs.Image{}, blobOf(t, files, ocispecs.MediaTypeImageLayer))
	for name, blob := range map[string]testenv.Blob{
		"gzip": docker, "zstd": blobOf(t, files, ocispecs.MediaTypeImageLayerZstd), "mislabelled": wrong,
	} {
		d, err := reader.Diff(t.Context(), plain, push(t, reg, "it:"+name, ocispecs.Image{}, blob))
		if err != nil || !d.Equal() || !strings.Contains(d.String(), "their layers differ") {
			t.Errorf("%s: got %s, %v", name, d, err)
		}
	}
}

// TestReaderKeepsUnknownConfig checks a health check, which is not part of the OCI image specification.
func TestReaderKeepsUnknownConfig(t *testing.T) {
	reg, reader := registryFor(t)
	pushed := func(tag, config string) string {
		raw := testenv.BytesBlob(ocispecs.MediaTypeImageConfig, []byte(config))
		push(t, reg, "it:scratch", ocispecs.Image{}, raw) // uploads the blob
		manifest := ocispecs.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageManifest,
			Config: ocispecs.Descriptor{MediaType: raw.MediaType, Digest: raw.Digest, Size: raw.Size}, Layers: []ocispecs.Descriptor{},
		}
		if _, err := reg.PushManifest(t.Context(), "it", tag, manifest.MediaType, manifest); err != nil {
			t.Fatal(err)
		}
		return reg.Host + "/it:" + tag
	}
	a := pushed("1", `{"os":"linux","architecture":"amd64","config":{"Healthcheck":{"Test":["NONE"]},"Shell":["/bin/sh","-c"]}}`)
	b := pushed("2", `{"os":"linux","architecture":"amd64","config":{"Healthcheck":{"Test":["CMD","true"]},"OnBuild":["RUN true"]}}`)
	d, err := reader.Diff(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, configLines(d.Config), []string{"Shell : [/bin/sh -c] -> <nil>", "Healthcheck Test: [NONE] -> [CMD true]", "OnBuild : <nil> -> [RUN true]"})
}

func TestReaderCreatedBy(t *testing.T) {
	reg, reader := registryFor(t)
	history := []ocispecs.History{{CreatedBy: "add a"}, {CreatedBy: "env", EmptyLayer: true}, {CreatedBy: "add b"}}
	blobs := gzipBlobs(t, layer{file("a", "1")}, layer{file("b", "1")})
	for want, history := range map[string][]ocispecs.History{"add a|add b": history, "|": history[:2]} {
		img, err := reader.Image(t.Context(), push(t, reg, "it:1", ocispecs.Image{History: history}, blobs...))
		if err != nil {
			t.Fatal(err)
		}
		if got := img.Layers[0].CreatedBy + "|" + img.Layers[1].CreatedBy; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		wantLines(t, listing(t, img), []string{"+ /a: file 0644 0:0, 1 B", "+ /b: file 0644 0:0, 1 B"})
	}
}

func TestReaderProgress(t *testing.T) {
	reg, reader := registryFor(t)
	var told []string
	reader.Progress = func(message string) { told = append(told, message) }
	base, more := layer{file("a", "1")}, layer{file("new\n", "1")}
	from := push(t, reg, "it:1", ocispecs.Image{}, gzipBlobs(t, base)...)
	to := push(t, reg, "it:2", ocispecs.Image{}, gzipBlobs(t, base, more)...)
	if _, err := reader.Diff(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	size := func(l layer) string { return fmt.Sprintf("%d B", gzipBlobs(t, l)[0].Size) }
	wantLines(t, told, []string{
		"reading 1 layer (" + size(more) + "); shared: 1",
		"reading shared layers (1 layer, " + size(base) + ` at most): only one image changes "/new\n"`,
	})
}

func TestReaderPlatforms(t *testing.T) {
	reg, reader := registryFor(t)
	var entries []ocispecs.Descriptor
	for _, p := range []ocispecs.Platform{amd64, arm64} {
		dgst, err := reg.PushImage(t.Context(), "it", "", ocispecs.Image{Platform: p}, gzipBlobs(t, layer{file(p.Architecture, "1")})...)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: dgst, Platform: &p})
	}
	index, err := reg.PushIndex(t.Context(), "it", "all", entries...)
	if err != nil {
		t.Fatal(err)
	}
	ref := reg.Host + "/it:all"
	reader.Platform = arm64
	img, err := reader.Image(t.Context(), ref)
	if err != nil || img.Digest != index || img.Manifest != entries[1].Digest || img.Platform.Architecture != "arm64" {
		t.Errorf("got %+v, %v", img, err)
	}
	wantLines(t, listing(t, img), []string{"+ /arm64: file 0644 0:0, 1 B"})
	reader.Platform = ocispecs.Platform{OS: "linux", Architecture: "s390x"}
	_, err = reader.Diff(t.Context(), ref, ref)
	if !errors.Is(err, registry.ErrNoPlatform) || !strings.Contains(err.Error(), "the image is for linux/amd64, linux/arm64, not linux/s390x; choose one of its platforms with --platform") {
		t.Errorf("got %v", err)
	}
}
