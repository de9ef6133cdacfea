package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// entry returns the descriptor of a platform's image. Its digest is that of a word.
func entry(word string, p ocispecs.Platform) ocispecs.Descriptor {
	return ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: digest.FromString(word), Size: 1, Platform: &p}
}

// attestationOf returns the descriptor of an attestation of an image, as BuildKit writes it. Both are named by words.
func attestationOf(word, of string) ocispecs.Descriptor {
	d := entry(word, ocispecs.Platform{OS: "unknown", Architecture: "unknown"})
	d.Annotations = map[string]string{annotationAttests: "attestation-manifest", annotationAttestsTo: digest.FromString(of).String()}
	return d
}

// words returns the words that entries were made from.
func words(entries []ocispecs.Descriptor) string {
	names := map[digest.Digest]string{}
	for _, w := range strings.Fields("a A b B c sa sA sb sB") {
		names[digest.FromString(w)] = w
	}
	var all []string
	for _, d := range entries {
		all = append(all, names[d.Digest])
	}
	return strings.Join(all, " ")
}

func list(entries ...ocispecs.Descriptor) []ocispecs.Descriptor { return entries }

func TestWithEntries(t *testing.T) {
	a, b, c := entry("a", amd64), entry("b", arm64), entry("c", armv7)
	a2, b2 := entry("A", amd64), entry("B", arm64)
	sa, sb, sa2 := attestationOf("sa", "a"), attestationOf("sb", "b"), attestationOf("sA", "A")
	artifact := ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, ArtifactType: "text/x", Digest: digest.FromString("c")}
	sameAs := entry("a", arm64) // one manifest for two platforms
	tests := []struct {
		name    string
		old     []ocispecs.Descriptor
		entries []ocispecs.Descriptor
		want    string
	}{
		{"into nothing", nil, list(a), "a"},
		{"a further platform", list(a), list(b), "a b"},
		{"in its place", list(a, b), list(a2), "A b"},
		{"all of them", list(a, b), list(b2, a2), "A B"},
		{"one replaced, one added", list(b), list(a, b2), "B a"},
		{"another name for the platform", list(a, entry("b", armv8)), list(b2), "a B"},
		{"variants are platforms", list(c), list(entry("b", ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v6"})), "c b"},
		{"its attestation goes", list(a, b, sa, sb), list(a2), "A b sb"},
		{"another attestation comes", list(a, b, sa, sb), list(a2, sa2), "A b sb sA"},
		{"the same image again", list(a, sa), list(a), "a sa"},
		{"the same image with a new attestation", list(a, b, sa, sb), list(a, attestationOf("sB", "a")), "a b sb sB"},
		{"an attestation of a manifest that stays for another platform", list(a, sameAs, sa), list(a2), "A a sa"},
		{"listed twice", list(a, entry("A", amd64), b), list(entry("B", amd64)), "B b"},
		{"an artifact stays", list(a, artifact), list(a2), "A c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			index := emptyIndex()
			index.Manifests, index.Annotations = tt.old, map[string]string{"k": "v"}
			before := fmt.Sprint(tt.old)
			got := withEntries(index, tt.entries)
			if words(got.Manifests) != tt.want {
				t.Errorf("got %q, want %q", words(got.Manifests), tt.want)
			}
			if got.Annotations["k"] != "v" || got.MediaType != ocispecs.MediaTypeImageIndex {
				t.Errorf("the rest is %+v", got)
			}
			if fmt.Sprint(tt.old) != before {
				t.Error("the old index was changed")
			}
		})
	}
}

func TestEntriesFor(t *testing.T) {
	index := emptyIndex()
	index.Manifests = list(entry("a", amd64), entry("b", armv8), entry("c", armv7), attestationOf("sa", "a"), attestationOf("sb", "b"))
	for _, tt := range []struct {
		name   string
		wanted []ocispecs.Platform
		want   string
	}{
		{"one", []ocispecs.Platform{amd64}, "a sa"},
		{"by another name", []ocispecs.Platform{arm64}, "b sb"},
		{"two", []ocispecs.Platform{armv7, amd64}, "a c sa"},
		{"not there", []ocispecs.Platform{{OS: "linux", Architecture: "s390x"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := words(entriesFor(index, tt.wanted)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
