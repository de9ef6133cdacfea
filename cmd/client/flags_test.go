package main

import (
	"os"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// wantError checks an error's text; it reports whether one was wanted.
func wantError(t *testing.T, err error, text string) bool {
	t.Helper()
	if text == "" && err != nil {
		t.Fatal(err)
	}
	if text != "" && (err == nil || !strings.Contains(err.Error(), text)) {
		t.Errorf("got error %v, want %q", err, text)
	}
	return text != ""
}

func formatted(all []ocispecs.Platform) string {
	var names []string
	for _, p := range all {
		names = append(names, platforms.Format(p))
	}
	return strings.Join(names, " ")
}

func TestParsePlatforms(t *testing.T) {
	here := platforms.Format(platforms.Normalize(platforms.DefaultSpec()))
	for _, tt := range []struct {
		name      string
		given     []string
		want, err string
	}{
		{name: "not given", want: here},
		{name: "local", given: []string{"Local"}, want: here},
		{name: "commas and repetition", given: []string{"linux/s390x,linux/arm64", "linux/arm/v7"}, want: "linux/s390x linux/arm64 linux/arm/v7"},
		{name: "twice", given: []string{"linux/arm64,linux/arm64/v8"}, want: "linux/arm64"},
		{name: "empty", given: []string{"linux/amd64,"}, err: `invalid --platform "": it is os/arch`},
		{name: "nonsense", given: []string{"linux/a/b/c"}, err: `invalid --platform "linux/a/b/c"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parsePlatforms(tt.given)
			if !wantError(t, err, tt.err) && formatted(got) != tt.want {
				t.Errorf("got %q, want %q", formatted(got), tt.want)
			}
		})
	}
}

func TestAttest(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    attestOptions
		want map[string]string
		err  string
	}{
		{name: "none by default", want: map[string]string{}},
		{name: "short", o: attestOptions{sbom: "true", provenance: "mode=max,inline-only=true"},
			want: map[string]string{"attest:sbom": "", "attest:provenance": "mode=max,inline-only=true"}},
		{name: "long", o: attestOptions{attests: []string{`type=sbom,generator=a/b:c,"EXCLUDE=x,y"`}},
			want: map[string]string{"attest:sbom": `generator=a/b:c,"EXCLUDE=x,y"`}},
		{name: "the last counts", o: attestOptions{attests: []string{"type=provenance,mode=min"}, provenance: "false"}, want: map[string]string{}},
		{name: "disabled", o: attestOptions{attests: []string{"type=sbom,disabled=true", "type=provenance,disabled=false"}},
			want: map[string]string{"attest:provenance": ""}},
		{name: "no type", o: attestOptions{attests: []string{"mode=max"}}, err: "its type= is sbom or provenance"},
		{name: "no value", o: attestOptions{sbom: "yes"}, err: `"yes" is not of the form key=value`},
		{name: "half disabled", o: attestOptions{attests: []string{"type=sbom,disabled=half"}}, err: "disabled is true or false"},
		{name: "quotes", o: attestOptions{attests: []string{`type="sbom`}}, err: "invalid attestation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.o.read()
			if wantError(t, err, tt.err) {
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCaches(t *testing.T) {
	registry := func(ref string, more ...string) client.CacheOptionsEntry {
		e := client.CacheOptionsEntry{Type: "registry", Attrs: map[string]string{"ref": ref}}
		for i := 0; i < len(more); i += 2 {
			e.Attrs[more[i]] = more[i+1]
		}
		return e
	}
	for _, tt := range []struct {
		name string
		o    cacheOptions
		want caches
		err  string
	}{
		{name: "none"},
		{name: "references", o: cacheOptions{from: []string{"a/b,c/d", "e/f"}, to: []string{"a/b"}}, want: caches{
			imports: []client.CacheOptionsEntry{registry("a/b"), registry("c/d"), registry("e/f")},
			exports: []client.CacheOptionsEntry{registry("a/b", "mode", "min")},
		}},
		{name: "written out", o: cacheOptions{from: []string{"type=local,src=d"}, to: []string{"type=registry,ref=a/b,mode=max", "type=inline"}}, want: caches{
			imports: []client.CacheOptionsEntry{{Type: "local", Attrs: map[string]string{"src": "d"}}},
			exports: []client.CacheOptionsEntry{registry("a/b", "mode", "max"), {Type: "inline", Attrs: map[string]string{"mode": "min"}}},
		}},
		{name: "no type", o: cacheOptions{to: []string{"ref=a/b"}}, err: `invalid --cache-to "ref=a/b": type= is missing`},
		{name: "no value", o: cacheOptions{from: []string{"type=local,src"}}, err: `invalid --cache-from "type=local,src"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.o.read()
			if wantError(t, err, tt.err) {
				return
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(caches{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKeyAlone: only a build argument without a value is the environment's, as with buildx. A label or an annotation would publish it.
func TestKeyAlone(t *testing.T) {
	t.Setenv("FROM_HERE", "there")
	t.Setenv("HTTPS_PROXY", "")
	t.Setenv("https_proxy", "")
	os.Unsetenv("NOT_HERE")
	o := buildOptions{labels: []string{"FROM_HERE", "a=", "b=c=d"}, step: stepOptions{network: "default"}}
	req, err := o.request()
	if diff := cmp.Diff(map[string]string{"FROM_HERE": "", "a": "", "b": "c=d"}, req.Labels); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	args, err := pairs("--build-arg", []string{"FROM_HERE", "NOT_HERE", "a=b"}, os.LookupEnv)
	if diff := cmp.Diff(map[string]string{"FROM_HERE": "there", "a": "b"}, args); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := pairs("--build-arg", []string{"=HUNTER2"}, os.LookupEnv); err == nil || strings.Contains(err.Error(), "HUNTER2") {
		t.Errorf("got %v, want an error that does not show the value", err)
	}
}

func TestAnnotations(t *testing.T) {
	t.Setenv("FROM_HERE", "there")
	for _, tt := range []struct {
		name            string
		given           []string
		manifest, other map[string]string // for arm64
		err             string
	}{
		{name: "of the manifest", given: []string{"a=b", "manifest:c=d=e"}, manifest: map[string]string{"a": "b", "c": "d=e"}},
		{name: "of all", given: []string{"index,manifest-descriptor,index-descriptor:a=b"}, other: map[string]string{
			"annotation-index.a": "b", "annotation-manifest-descriptor.a": "b", "annotation-index-descriptor.a": "b",
		}},
		{name: "of a platform", given: []string{"manifest[linux/amd64]:a=b", "manifest[linux/arm64/v8]:c=d", "manifest-descriptor[linux/amd64]:e=f"},
			manifest: map[string]string{"c": "d"}, other: map[string]string{"annotation-manifest-descriptor[linux/amd64].e": "f"}},
		{name: "a key alone", given: []string{"FROM_HERE"}, err: `invalid --annotation "FROM_HERE": it is [LEVEL:]key=value`},
		{name: "no key", given: []string{"index:=x"}, err: "it is [LEVEL:]key=value"},
		{name: "no level", given: []string{"layer:a=b"}, err: `level "layer" is none of manifest, manifest-descriptor, index, index-descriptor`},
		{name: "no platform", given: []string{"manifest[a/b/c/d]:a=b"}, err: "invalid --annotation"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseAnnotations(tt.given)
			if wantError(t, err, tt.err) {
				return
			}
			f := &buildFlags{annotations: got}
			manifest, other := f.manifestAnnotations(ocispecs.Platform{OS: "linux", Architecture: "arm64"}), f.exportAnnotations()
			if diff := cmp.Diff([]map[string]string{orEmpty(tt.manifest), orEmpty(tt.other)}, []map[string]string{manifest, other}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func TestUncached(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    stepOptions
		want string // the stages that run again
		err  string
	}{
		{name: "none"},
		{name: "all", o: stepOptions{noCache: true}, want: "system tools deps extra"},
		{name: "some", o: stepOptions{filter: []string{"deps,system", "extra"}}, want: "system deps extra"},
		{name: "unknown", o: stepOptions{filter: []string{"base"}}, err: `invalid --no-cache-filter "base": it is one of system, tools, deps, extra`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			uncached, err := tt.o.uncached()
			if wantError(t, err, tt.err) {
				return
			}
			var got []string
			for _, stage := range cachedStages {
				if uncached(stage) {
					got = append(got, stage)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %v, want %s", got, tt.want)
			}
		})
	}
}

// TestHelpSaysWhatAFlagReaches: a reader of the help text knows where a flag counts.
func TestHelpSaysWhatAFlagReaches(t *testing.T) {
	for _, tt := range []struct{ command, flag, want string }{
		{"solve", "ca-file", "here, in build steps, and in the private builder"},
		{"solve", "registry-config", "here and in the private builder"},
		{"solve", "label", "KEY alone is an empty label, as in buildx"},
		{"diff", "ca-file", "certificate authorities to trust"},
	} {
		cmd, _, err := newRoot().Find([]string{tt.command})
		if err != nil {
			t.Fatal(err)
		}
		if got := cmd.Flags().Lookup(tt.flag).Usage; !strings.Contains(got, tt.want) {
			t.Errorf("%s --%s: %q lacks %q", tt.command, tt.flag, got, tt.want)
		}
	}
}
