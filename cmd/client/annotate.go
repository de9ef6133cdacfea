package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// annotation is one that the user asks for, at one level of the image.
type annotation struct {
	exptypes.AnnotationKey
	value string
}

// isManifest reports whether the annotation is one of the manifest itself.
func (a annotation) isManifest() bool { return a.Type == "" || a.Type == exptypes.AnnotationManifest }

// isIndex reports whether the annotation needs an index.
func (a annotation) isIndex() bool {
	return a.Type == exptypes.AnnotationIndex || a.Type == exptypes.AnnotationIndexDescriptor
}

// isFor reports whether the annotation is for a platform's manifest: one that names none is for all.
func (a annotation) isFor(p ocispecs.Platform) bool {
	return a.Platform == nil || platforms.OnlyStrict(*a.Platform).Match(p)
}

// level is a level of an annotation, and the platform it may be limited to.
var level = regexp.MustCompile(`^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$`)

var levels = []string{
	exptypes.AnnotationManifest, exptypes.AnnotationManifestDescriptor, exptypes.AnnotationIndex, exptypes.AnnotationIndexDescriptor,
}

// parseAnnotations reads --annotation as buildx does: [LEVEL[PLATFORM][,LEVEL...]:]key=value. Without a level it is the
// manifest's.
func parseAnnotations(list []string) ([]annotation, error) {
	var all []annotation
	for _, text := range list {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, fmt.Errorf("invalid --annotation %q: it is [LEVEL:]key=value", text)
		}
		at, name, ok := strings.Cut(key, ":")
		if !ok {
			at, name = exptypes.AnnotationManifest, key
		}
		if name == "" {
			return nil, fmt.Errorf("invalid --annotation %q: it is [LEVEL:]key=value", text)
		}
		for one := range strings.SplitSeq(at, ",") {
			parsed, err := parseLevel(one)
			if err != nil {
				return nil, fmt.Errorf("invalid --annotation %q: %w", text, err)
			}
			parsed.Key = name
			all = append(all, annotation{parsed, value})
		}
	}
	return all, nil
}

func parseLevel(text string) (exptypes.AnnotationKey, error) {
	for _, known := range levels {
		groups := level.FindStringSubmatch(text)
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
	return exptypes.AnnotationKey{}, fmt.Errorf("level %q is none of %s", text, strings.Join(levels, ", "))
}

// manifestAnnotations are those of a platform's manifest.
func (f *buildFlags) manifestAnnotations(p ocispecs.Platform) map[string]string {
	all := map[string]string{}
	for _, a := range f.annotations {
		if a.isManifest() && a.isFor(p) {
			all[a.Key] = a.value
		}
	}
	return all
}

// exportAnnotations are the others, as attributes of an export.
func (f *buildFlags) exportAnnotations() map[string]string {
	all := map[string]string{}
	for _, a := range f.annotations {
		if !a.isManifest() {
			all[a.String()] = a.value
		}
	}
	return all
}

// checkAnnotations refuses what would have nowhere to go.
func (f *buildFlags) checkAnnotations(wanted []ocispecs.Platform) error {
	for _, a := range f.annotations {
		if a.isIndex() && len(wanted) == 1 && len(f.attests) == 0 {
			return fmt.Errorf("--annotation %s:%s has no place: one platform without attestations is no index; "+
				"ask for several with --platform, or annotate its manifest", a.Type, a.Key)
		}
		known := false
		for _, p := range wanted {
			known = known || a.isFor(p)
		}
		if !known {
			return fmt.Errorf("--annotation %s has no place: %s is not built", a.Key, a.PlatformString())
		}
	}
	return nil
}
