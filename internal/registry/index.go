package registry

import (
	"maps"
	"slices"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// How BuildKit ties an attestation to the manifest that it speaks of: docs/attestations/attestation-storage.md there.
const (
	annotationAttests   = "vnd.docker.reference.type"
	annotationAttestsTo = "vnd.docker.reference.digest"
)

// emptyIndex is an index of nothing.
func emptyIndex() ocispecs.Index {
	return ocispecs.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispecs.MediaTypeImageIndex}
}

// isPlatformImage reports whether an index's entry is a platform's image: attestations and other artifacts are not.
func isPlatformImage(d ocispecs.Descriptor) bool {
	unknown := d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
	return d.Annotations[annotationAttests] == "" && !unknown && d.ArtifactType == "" &&
		(d.MediaType == "" || slices.Contains(imageTypes, d.MediaType))
}

// platformKey is equal for platforms that mean the same (arm64 and arm64/v8); empty if there is none.
func platformKey(p *ocispecs.Platform) string {
	if p == nil {
		return ""
	}
	return platforms.FormatAll(platforms.Normalize(*p))
}

// entriesFor are an index's images for platforms, and the attestations of these images.
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

// withEntries is an index that shows images and their attestations in the place of what it held for the same platforms.
// The attestations of a manifest that goes, go with it. Everything else stays where it was.
func withEntries(index ocispecs.Index, entries []ocispecs.Descriptor) ocispecs.Index {
	fresh, attested := map[string]ocispecs.Descriptor{}, map[digest.Digest]bool{}
	for _, d := range entries {
		if isPlatformImage(d) {
			fresh[platformKey(d.Platform)] = d
		} else {
			attested[digest.Digest(d.Annotations[annotationAttestsTo])] = true
		}
	}
	gone := replaced(index, fresh, attested)
	placed := map[string]bool{}
	var all []ocispecs.Descriptor
	for _, d := range index.Manifests {
		key := platformKey(d.Platform)
		by, isReplaced := fresh[key]
		switch {
		case !isPlatformImage(d):
			if !gone[digest.Digest(d.Annotations[annotationAttestsTo])] {
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

// replaced are the manifests whose attestations go: those that make place for others, and those that come with
// attestations of their own.
func replaced(index ocispecs.Index, fresh map[string]ocispecs.Descriptor, attested map[digest.Digest]bool) map[digest.Digest]bool {
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
