package tags

import (
	"encoding/json"
	"fmt"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// canonical is the RFC 8785 form of the inputs that the original left out, and nothing at all if there are none: so
// that what is at its default leaves no trace in a hash.
func canonical(extra map[string]any) ([]byte, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(extra)
	if err != nil {
		return nil, fmt.Errorf("writing the inputs that the hashes mix in as JSON: %w", err)
	}
	return jsoncanonicalizer.Transform(raw)
}
