// Package labels defines the labels of rtbuild's images. The code that writes labels and the code that plans later builds by
// them share these names. Where the OCI image spec has a key, that key is used instead; see image-spec's annotations.go.
package labels

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Prefix begins all of rtbuild's labels. Labels of a base image with this prefix are dropped.
const Prefix = "io.rtbuild."

// The labels.
const (
	Stage        = Prefix + "stage"           // the last stage of the image: "deps", "source", ...
	Profile      = Prefix + "profile"         // the profile's name
	Platform     = Prefix + "platform"        // os/arch[/variant]
	Recipe       = Prefix + "recipe"          // number of the recipe that system, tools and deps were made by
	UID          = Prefix + "user.uid"        // owner of dependencies and source
	GID          = Prefix + "user.gid"        // group of dependencies and source
	ToolsLayers  = Prefix + "tools.layers"    // number of layers up to and including the tools stage
	ToolsDigest  = Prefix + "tools.digest"    // digest of what system and tools were made from
	DepsDigest   = Prefix + "deps.digest"     // digest of all inputs up to deps, lock files and base included
	SourceDigest = Prefix + "source.digest"   // digest of everything copied, unhashed paths included
	Command      = Prefix + "source.cmd"      // the runtime's command (see CommandValue)
	Untested     = Prefix + "source.untested" // "true" if the tests that the source tag stands for were left out
)

// CommandValue returns the value of Command: a JSON list, or "null" if the image keeps the base's command.
func CommandValue(cmd []string) string {
	text, _ := json.Marshal(cmd) // strings always have a JSON form
	return string(text)
}

// CheckKey returns an error if a key that a user chooses begins with [Prefix]. kind is "label" or "annotation", for the error's text.
func CheckKey(kind, key string) error {
	if strings.HasPrefix(key, Prefix) {
		return fmt.Errorf("%s %s is rtbuild's own: later builds rely on it; choose another key", kind, key)
	}
	return nil
}

// CheckKeys returns the error of [CheckKey] for the first of a user's labels that has one.
func CheckKeys(all map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if err := CheckKey("label", key); err != nil {
			return err
		}
	}
	return nil
}
