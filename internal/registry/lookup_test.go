package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags/labels"
)

var lookupTests = []struct {
	name      string
	make      func(f *fake) // what the tag "it" is
	platform  ocispecs.Platform
	err       error
	text      string // in the error
	label     string // of the config that must be found
	platforms string // that the tag holds
	requests  int
}{
	{name: "absent", make: func(*fake) {}, platform: amd64, err: ErrAbsent, text: "404 Not Found: manifest unknown", requests: 1},
	{name: "one manifest", make: func(f *fake) { f.image(amd64, "it") },
		platform: amd64, label: "source-amd64", platforms: "linux/amd64", requests: 2},
	{name: "one manifest for another platform", make: func(f *fake) { f.image(arm64, "it") },
		platform: amd64, err: ErrNoPlatform, text: "the image is for linux/arm64, not linux/amd64", requests: 2},
	{name: "one manifest without a platform", make: func(f *fake) { f.image(ocispecs.Platform{}, "it") },
		platform: amd64, label: "source-", platforms: "unknown", requests: 2},
	{name: "index", make: func(f *fake) { f.index("it", f.image(arm64), f.image(amd64)) },
		platform: amd64, label: "source-amd64", platforms: "linux/arm64 linux/amd64", requests: 3},
	{name: "index with attestations", make: func(f *fake) {
		a, b := f.image(arm64), f.image(amd64)
		f.index("it", attestation(a), a, b, attestation(b))
	}, platform: arm64, label: "source-arm64", platforms: "linux/arm64 linux/amd64", requests: 3},
	{name: "index lacks the platform", make: func(f *fake) {
		a := f.image(arm64)
		f.index("it", a, f.image(armv7), attestation(a))
	}, platform: amd64, err: ErrNoPlatform, text: "the image is for linux/arm/v7, linux/arm64, not linux/amd64;", requests: 1},
	{name: "index with nothing but attestations", make: func(f *fake) { f.index("it", attestation(f.image(amd64))) },
		platform: amd64, err: ErrNoPlatform, text: "the index holds no image", requests: 1},
	{name: "arm64/v8 is arm64", make: func(f *fake) { f.index("it", f.image(amd64), f.image(armv8)) },
		platform: arm64, label: "source-arm64v8", platforms: "linux/amd64 linux/arm64/v8", requests: 3},
	{name: "arm64 is arm64/v8", make: func(f *fake) { f.image(arm64, "it") },
		platform: armv8, label: "source-arm64", platforms: "linux/arm64", requests: 2},
	{name: "a lesser variant is another platform", make: func(f *fake) {
		f.index("it", f.image(ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}))
	}, platform: armv7, err: ErrNoPlatform, text: "linux/arm/v6", requests: 1},
	{name: "index without platforms, one image", make: func(f *fake) {
		d := f.image(amd64)
		d.Platform = nil
		f.index("it", d)
	}, platform: amd64, label: "source-amd64", platforms: "linux/amd64", requests: 3},
	{name: "index without platforms, one image for another", make: func(f *fake) {
		d := f.image(arm64)
		d.Platform = nil
		f.index("it", d)
	}, platform: amd64, err: ErrNoPlatform, text: "the image is for linux/arm64", requests: 3},
	{name: "the index says another platform than the config", make: func(f *fake) {
		d := f.image(amd64)
		d.Platform = &arm64
		f.index("it", d)
	}, platform: arm64, err: ErrBroken, text: "its parts are for different platforms: the index says linux/arm64, the config says linux/amd64; push", requests: 3},
	{name: "the index says another variant than the config", make: func(f *fake) {
		d := f.image(ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v6"})
		d.Platform = &armv7
		f.index("it", d)
	}, platform: armv7, err: ErrBroken, text: "the index says linux/arm/v7, the config says linux/arm/v6", requests: 3},
	{name: "the config does not say the variant", make: func(f *fake) {
		d := f.image(ocispecs.Platform{OS: "linux", Architecture: "arm"})
		d.Platform = &ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}
		f.index("it", d)
	}, platform: ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}, label: "source-arm", platforms: "linux/arm/v6", requests: 3},
	{name: "a label says another platform", make: func(f *fake) { f.labelled(amd64, "linux/arm64", "") },
		platform: amd64, err: ErrBroken, text: "the config says linux/amd64, the config's label io.rtbuild.platform says linux/arm64", requests: 2},
	{name: "a label says no platform", make: func(f *fake) { f.labelled(amd64, "a/b/c/d", "") },
		platform: amd64, err: ErrBroken, text: "the config's label io.rtbuild.platform is not a valid platform", requests: 2},
	{name: "an annotation says another platform", make: func(f *fake) { f.labelled(arm64, "linux/arm64/v8", "linux/amd64") },
		platform: arm64, err: ErrBroken, text: "the config says linux/arm64, the manifest's annotation io.rtbuild.platform says linux/amd64", requests: 2},
	{name: "all say the platform", make: func(f *fake) { f.labelled(arm64, "linux/arm64/v8", "linux/arm64") },
		platform: arm64, label: "source-arm64", platforms: "linux/arm64", requests: 2},
	{name: "Docker's types", make: func(f *fake) {
		m := f.manifestOf(amd64)
		m.MediaType, m.Config.MediaType = dockerManifest, dockerConfig
		d := f.put("manifests", dockerManifest, m)
		d.Platform = &amd64
		f.put("manifests", dockerIndex, ocispecs.Index{MediaType: dockerIndex, Manifests: []ocispecs.Descriptor{d}}, "it")
	}, platform: amd64, label: "source-amd64", platforms: "linux/amd64", requests: 3},
	{name: "no media type in the manifest", make: func(f *fake) {
		m := f.manifestOf(amd64)
		m.MediaType = ""
		f.put("manifests", ocispecs.MediaTypeImageManifest, m, "it")
	}, platform: amd64, label: "source-amd64", platforms: "linux/amd64", requests: 2},
	{name: "no media type anywhere", make: func(f *fake) {
		m := f.manifestOf(amd64)
		m.MediaType = ""
		d := f.put("manifests", "application/json", m)
		d.MediaType, d.Platform = "", &amd64
		f.put("manifests", "text/plain; charset=utf-8", ocispecs.Index{Manifests: []ocispecs.Descriptor{d}}, "it")
	}, platform: amd64, label: "source-amd64", platforms: "linux/amd64", requests: 3},
}

// labelled serves an image that has its platform in a label and an annotation, too.
func (f *fake) labelled(p ocispecs.Platform, label, annotation string) {
	m := f.manifestOf(p)
	m.Config = f.put("blobs", ocispecs.MediaTypeImageConfig, ocispecs.Image{Platform: p, Config: ocispecs.ImageConfig{
		Labels: map[string]string{"io.rtbuild.stage": "source-" + p.Architecture, labels.Platform: label},
	}})
	m.Annotations = map[string]string{"a": "b", labels.Platform: annotation}
	f.put("manifests", ocispecs.MediaTypeImageManifest, m, "it")
}

func TestLookup(t *testing.T) {
	for _, tt := range lookupTests {
		t.Run(tt.name, func(t *testing.T) {
			f := started(t)
			tt.make(f)
			c, _ := newClient(t, Options{})
			img, err := c.Lookup(context.Background(), f.ref("it"), tt.platform)
			if got := len(f.asked()); got != tt.requests {
				t.Errorf("%d requests, want %d: %v", got, tt.requests, f.asked())
			}
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				wantFirstLine(t, err, "looking up "+f.ref("it"), tt.text, ";")
				return
			}
			checkImage(t, f, img, tt.label, tt.platforms)
		})
	}
}

// checkImage checks all fields of an image that Lookup found under the tag "it".
func checkImage(t *testing.T, f *fake, img *Image, label, holds string) {
	t.Helper()
	if img.Reference != f.ref("it") {
		t.Errorf("reference %s", img.Reference)
	}
	if want := digest.FromBytes(f.serves["manifests/it"].body); img.Digest != want {
		t.Errorf("digest %s, want %s", img.Digest, want)
	}
	var m ocispecs.Manifest
	if err := json.Unmarshal(f.serves["manifests/"+img.Manifest.String()].body, &m); err != nil || len(m.Layers) == 0 {
		t.Errorf("manifest %s is none: %v", img.Manifest, err)
	}
	if len(img.Layers) != 1 || img.Annotations["a"] != "b" {
		t.Errorf("layers %v, annotations %v", img.Layers, img.Annotations)
	}
	if got := img.Config.Config.Labels["io.rtbuild.stage"]; got != label {
		t.Errorf("label %q, want %q", got, label)
	}
	var names []string
	for _, p := range img.Platforms {
		names = append(names, platforms.Format(p))
	}
	if got := strings.Join(names, " "); got != holds {
		t.Errorf("platforms %q, want %q", got, holds)
	}
}

func TestLookupByDigest(t *testing.T) {
	f := started(t)
	desc := f.image(amd64, "it")
	c, _ := newClient(t, Options{})
	ref := f.host() + "/" + repo + ":it@" + desc.Digest.String()
	img, err := c.Lookup(context.Background(), ref, amd64)
	if err != nil || img.Digest != desc.Digest || img.Manifest != desc.Digest || img.Reference != ref {
		t.Errorf("got %+v, %v", img, err)
	}
	wantRequests(t, f, "GET manifests/"+desc.Digest.String(), "GET blobs/"+f.config(amd64).Digest.String())
}

func TestLookupInvalidReference(t *testing.T) {
	c, _ := newClient(t, Options{})
	for _, ref := range []string{"", "host/UPPER", "a b", "host/repo:", "host/repo@sha256:1"} {
		_, err := c.Lookup(context.Background(), ref, amd64)
		var fault *Error
		if err == nil || errors.As(err, &fault) {
			t.Errorf("%q: %v is no error of the user's", ref, err)
		}
	}
}

func TestLookupAll(t *testing.T) {
	f := started(t)
	f.image(amd64, "one")
	f.image(arm64, "other")
	c, _ := newClient(t, Options{})
	refs := []string{f.ref("none"), f.ref("one"), f.ref("other"), "Not A Reference"}
	answers := c.LookupAll(context.Background(), refs, amd64)
	if len(answers) != len(refs) {
		t.Fatalf("%d answers", len(answers))
	}
	wants := []error{ErrAbsent, nil, ErrNoPlatform, nil}
	for i, a := range answers {
		if a.Ref != refs[i] || wants[i] != nil && !errors.Is(a.Err, wants[i]) || (a.Image != nil) != (i == 1) {
			t.Errorf("answer %d: %+v", i, a)
		}
	}
	if answers[1].Err != nil || answers[3].Err == nil {
		t.Errorf("errors %v, %v", answers[1].Err, answers[3].Err)
	}
}

// TestLookupAllConcurrent has a server that sends no response before it has all requests.
func TestLookupAllConcurrent(t *testing.T) {
	f := newFake(t)
	here, all := make(chan struct{}), make(chan struct{})
	go func() {
		for range 3 {
			<-here
		}
		close(all)
	}()
	f.before = func(http.ResponseWriter, *http.Request) bool {
		here <- struct{}{}
		<-all
		return false
	}
	f.Start()
	c, _ := newClient(t, Options{})
	for _, a := range c.LookupAll(context.Background(), []string{f.ref("a"), f.ref("b"), f.ref("c")}, amd64) {
		if !errors.Is(a.Err, ErrAbsent) {
			t.Errorf("%s: %v", a.Ref, a.Err)
		}
	}
}

func TestResolve(t *testing.T) {
	tests := []struct {
		name     string
		tag      string
		before   func(w http.ResponseWriter, r *http.Request) bool
		err      error
		requests string
	}{
		{name: "present", tag: "it", requests: "HEAD manifests/it"},
		{name: "absent", tag: "none", err: ErrAbsent, requests: "HEAD manifests/none"},
		{name: "HEAD is not known", tag: "it", requests: "HEAD manifests/it, GET manifests/it",
			before: func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodHead {
					w.WriteHeader(http.StatusMethodNotAllowed)
				}
				return r.Method == http.MethodHead
			}},
		{name: "no digest in the header", tag: "it", requests: "HEAD manifests/it, GET manifests/it",
			before: func(_ http.ResponseWriter, r *http.Request) bool { return r.Method == http.MethodHead }},
		{name: "no digest, but something", tag: "it", err: ErrBroken, requests: "HEAD manifests/it",
			before: func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Docker-Content-Digest", "latest")
				return true
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.before = tt.before
			f.Start()
			desc := f.image(amd64, "it")
			c, _ := newClient(t, Options{})
			got, err := c.Resolve(context.Background(), f.ref(tt.tag))
			if !errors.Is(err, tt.err) || tt.err == nil && got != desc.Digest {
				t.Errorf("got %s, %v; want %s, %v", got, err, desc.Digest, tt.err)
			}
			wantRequests(t, f, strings.Split(tt.requests, ", ")...)
		})
	}
}

func TestResolveDigest(t *testing.T) {
	c, _ := newClient(t, Options{})
	want := digest.FromString("x")
	if got, err := c.Resolve(context.Background(), "registry.invalid/a@"+want.String()); got != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}
