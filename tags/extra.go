package tags

import (
	"encoding/json"
	"fmt"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
)

// canonical returns the RFC 8785 form of inputs that the original does not know, or nil if there are none. So inputs at
// their defaults do not change a hash.
func canonical(extra map[string]any) ([]byte, error) {
	if len(extra) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(extra)
	if err != nil {
		return nil, fmt.Errorf("encoding the extra inputs of a hash as JSON: %w", err)
	}
	return jsoncanonicalizer.Transform(raw)
}
