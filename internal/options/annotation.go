package options

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// ImageAnnotation is an annotation at one level of an image. Its String is the attribute of an export that sets it.
type ImageAnnotation struct {
	exptypes.AnnotationKey
	Value string
}

// IsManifest reports whether the annotation belongs to the manifest itself.
func (a ImageAnnotation) IsManifest() bool {
	return a.Type == "" || a.Type == exptypes.AnnotationManifest
}

// NeedsIndex reports whether the annotation needs an index.
func (a ImageAnnotation) NeedsIndex() bool {
	return a.Type == exptypes.AnnotationIndex || a.Type == exptypes.AnnotationIndexDescriptor
}

// IsFor reports whether the annotation belongs to a platform's manifest. An annotation without a platform belongs to all.
func (a ImageAnnotation) IsFor(p ocispecs.Platform) bool {
	return a.Platform == nil || platforms.OnlyStrict(*a.Platform).Match(p)
}

// levelForm matches the level of an annotation, with an optional platform.
var levelForm = regexp.MustCompile(`^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$`)

var levels = []string{
	exptypes.AnnotationManifest, exptypes.AnnotationManifestDescriptor, exptypes.AnnotationIndex, exptypes.AnnotationIndexDescriptor,
}

// parseAnnotation reads --annotation as buildx does: [LEVEL[PLATFORM][,LEVEL...]:]KEY=VALUE. The default level is manifest.
func parseAnnotation(text string) ([]ImageAnnotation, error) {
	key, value, ok := strings.Cut(text, "=")
	at, name, leveled := strings.Cut(key, ":")
	if !leveled {
		at, name = exptypes.AnnotationManifest, key
	}
	if !ok || name == "" {
		return nil, wrong(text, "must be [LEVEL:]KEY=VALUE")
	}
	var all []ImageAnnotation
	for one := range strings.SplitSeq(at, ",") {
		parsed, err := parseLevel(one)
		if err != nil {
			return nil, in(text, err)
		}
		parsed.Key = name
		all = append(all, ImageAnnotation{parsed, value})
	}
	return all, nil
}

func parseLevel(text string) (exptypes.AnnotationKey, error) {
	for _, known := range levels {
		groups := levelForm.FindStringSubmatch(text)
		if groups == nil || groups[1] != known {
			continue
		}
		key := exptypes.AnnotationKey{Type: known}
		if groups[2] != "" {
			p, err := platforms.Parse(groups[2])
			if err != nil {
				return key, err
			}
			p = platforms.Normalize(p)
			key.Platform = &p
		}
		return key, nil
	}
	return exptypes.AnnotationKey{}, fmt.Errorf("level %q must be %s", text, alternatives(levels))
}
