package registry

import (
	"maps"
	"slices"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// The annotations that link an attestation to a manifest: docs/attestations/attestation-storage.md in BuildKit.
const (
	annotationAttests   = "vnd.docker.reference.type"
	annotationAttestsTo = "vnd.docker.reference.digest"
)

// emptyIndex returns an index without entries.
func emptyIndex() ocispecs.Index {
	return ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex}
}

// isPlatformImage reports whether an index's entry is an image for a platform, and not an attestation or another artifact.
func isPlatformImage(d ocispecs.Descriptor) bool {
	unknown := d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
	return d.Annotations[annotationAttests] == "" && !unknown && d.ArtifactType == "" &&
		(d.MediaType == "" || slices.Contains(imageTypes, d.MediaType))
}

// platformKey returns a key that is the same for equivalent platforms (arm64 and arm64/v8), or "" for nil.
func platformKey(p *ocispecs.Platform) string {
	if p == nil {
		return ""
	}
	return platforms.FormatAll(platforms.Normalize(*p))
}

// entriesFor returns an index's images for the wanted platforms, and the attestations of these images.
func entriesFor(index ocispecs.Index, wanted []ocispecs.Platform) []ocispecs.Descriptor {
	keys, taken := map[string]bool{}, map[digest.Digest]bool{}
	for _, p := range wanted {
		keys[platformKey(&p)] = true
	}
	for _, d := range index.Manifests {
		if isPlatformImage(d) && keys[platformKey(d.Platform)] {
			taken[d.Digest] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(index.Manifests), func(d ocispecs.Descriptor) bool {
		if isPlatformImage(d) {
			return !keys[platformKey(d.Platform)]
		}
		return !taken[digest.Digest(d.Annotations[annotationAttestsTo])]
	})
}

// withEntries returns the index with images and their attestations replacing its entries for the same platforms. The
// attestations of a replaced manifest are dropped. All other entries keep their place.
func withEntries(index ocispecs.Index, entries []ocispecs.Descriptor) ocispecs.Index {
	fresh, attested := map[string]ocispecs.Descriptor{}, map[digest.Digest]bool{}
	for _, d := range entries {
		if isPlatformImage(d) {
			fresh[platformKey(d.Platform)] = d
		} else {
			attested[digest.Digest(d.Annotations[annotationAttestsTo])] = true
		}
	}
	dropped := attestationsToDrop(index, fresh, attested)
	placed := map[string]bool{}
	var all []ocispecs.Descriptor
	for _, d := range index.Manifests {
		key := platformKey(d.Platform)
		by, isReplaced := fresh[key]
		switch {
		case !isPlatformImage(d):
			if !dropped[digest.Digest(d.Annotations[annotationAttestsTo])] {
				all = append(all, d)
			}
		case !isReplaced:
			all = append(all, d)
		case !placed[key]:
			placed[key] = true
			all = append(all, by)
		}
	}
	for _, d := range entries {
		if !isPlatformImage(d) || !placed[platformKey(d.Platform)] {
			all = append(all, d)
		}
	}
	index.Manifests = all
	return index
}

// attestationsToDrop returns the manifests whose attestations in the index are dropped: manifests that are replaced, and
// manifests whose new entry comes with attestations.
func attestationsToDrop(index ocispecs.Index, fresh map[string]ocispecs.Descriptor, attested map[digest.Digest]bool) map[digest.Digest]bool {
	gone := maps.Clone(attested)
	kept := map[digest.Digest]bool{}
	for _, d := range index.Manifests {
		if !isPlatformImage(d) {
			continue
		}
		if by, ok := fresh[platformKey(d.Platform)]; ok && by.Digest != d.Digest {
			gone[d.Digest] = true
		} else {
			kept[d.Digest] = true
		}
	}
	maps.DeleteFunc(gone, func(d digest.Digest, _ bool) bool { return kept[d] && !attested[d] })
	return gone
}
