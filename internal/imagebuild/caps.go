package imagebuild

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
)

// OldestBuildKit is the first release that has all that our graphs use: symbolic links in file operations came with it;
// modes in words, merge and diff are older.
const OldestBuildKit = "v0.19.0"

// needs are the capabilities that our graphs use beyond what every BuildKit of the last years has.
var needs = []apicaps.CapID{
	pb.CapMergeOp, pb.CapDiffOp,
	pb.CapSourceImageLayerLimit, pb.CapSourceHTTPChecksum,
	pb.CapExecMountCacheSharing, pb.CapExecMountTmpfs, pb.CapExecMountSecret,
	pb.CapFileSymlinkCreate, // and with it modes in words, whose own capability BuildKit does not announce
}

// TooOldError says that a builder lacks what the graphs need.
type TooOldError struct{ Missing []string }

func (e *TooOldError) Error() string {
	return fmt.Sprintf("the builder's BuildKit is too old: it lacks %s; use BuildKit %s or newer",
		strings.Join(e.Missing, ", "), OldestBuildKit)
}

// checkCaps finds what a builder lacks before anything is asked of it.
func checkCaps(has apicaps.CapSet) error {
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
