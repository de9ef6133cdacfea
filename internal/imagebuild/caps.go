package imagebuild

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// OldestBuildKit is the first release with all features that the graphs use. It introduced symbolic links in file operations; merge, diff
// and symbolic modes are older.
const OldestBuildKit = "v0.19.0"

// needs are the capabilities that the graphs use and that some BuildKit in use may lack.
var needs = []apicaps.CapID{
	pb.CapMergeOp, pb.CapDiffOp,
	pb.CapSourceImageLayerLimit, pb.CapSourceHTTPChecksum,
	pb.CapExecMountCacheSharing, pb.CapExecMountTmpfs, pb.CapExecMountSecret,
	pb.CapFileSymlinkCreate, // implies symbolic modes, whose own capability BuildKit does not announce
}

// TooOldError reports that a builder lacks capabilities that the graphs need.
type TooOldError struct{ Missing []string }

func (e *TooOldError) Error() string {
	return fmt.Sprintf("the builder's BuildKit is too old: it lacks %s; use BuildKit %s or newer",
		strings.Join(e.Missing, ", "), OldestBuildKit)
}

// CheckCaps returns a [*TooOldError] if a builder with these capabilities cannot build.
func CheckCaps(has apicaps.CapSet) error {
	var missing []string
	for _, id := range needs {
		if has.Supports(id) != nil {
			missing = append(missing, string(id))
		}
	}
	if len(missing) > 0 {
		return &TooOldError{missing}
	}
	return nil
}
