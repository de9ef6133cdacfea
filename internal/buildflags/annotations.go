package buildflags

import (
	"fmt"
	"slices"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/options"
)

// annotations are the annotations that the user gives.
type annotations []options.ImageAnnotation

// manifest returns the annotations of a platform's manifest.
func (all annotations) manifest(p ocispecs.Platform) map[string]string {
	found := map[string]string{}
	for _, a := range all {
		if a.IsManifest() && a.IsFor(p) {
			found[a.Key] = a.Value
		}
	}
	return found
}

// export returns the other annotations as attributes of an export.
func (all annotations) export() map[string]string {
	found := map[string]string{}
	for _, a := range all {
		if !a.IsManifest() {
			found[a.String()] = a.Value
		}
	}
	return found
}

// CheckAnnotations returns an error for annotations of parts that an image for these platforms does not have.
func (s *Settings) CheckAnnotations(wanted []ocispecs.Platform) error {
	for _, a := range s.annotations {
		if a.NeedsIndex() && len(wanted) == 1 && len(s.Attests) == 0 {
			return fmt.Errorf("%s %s:%s cannot be set: an image of one platform without attestations has no index; "+
				"name several with --platform, or annotate its manifest", options.Flags.Name(options.Annotation), a.Type, a.Key)
		}
		if !slices.ContainsFunc(wanted, a.IsFor) {
			return fmt.Errorf("%s %s cannot be set: %s is not built", options.Flags.Name(options.Annotation), a.Key, a.PlatformString())
		}
	}
	return nil
}
