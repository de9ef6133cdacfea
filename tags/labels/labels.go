// Package labels holds the labels of rtbuild's images, which later builds rely on: who makes images and who decides by them agree on it.
// Where the OCI image spec has a key, that key is used; its constants are in image-spec's annotations.go.
package labels

import "encoding/json"

// Prefix begins all of our labels. What a base brings under it is dropped.
const Prefix = "io.rtbuild."

// The labels.
const (
	Stage        = Prefix + "stage"         // the last stage of the image: "deps", "source", ...
	Profile      = Prefix + "profile"       // the profile's name
	Platform     = Prefix + "platform"      // os/arch[/variant]
	Recipe       = Prefix + "recipe"        // number of the recipe that system, tools and deps were made by
	UID          = Prefix + "user.uid"      // who owns dependencies and source
	GID          = Prefix + "user.gid"      //
	ToolsLayers  = Prefix + "tools.layers"  // number of layers up to and including the tools stage
	ToolsDigest  = Prefix + "tools.digest"  // digest of what system and tools were made from
	DepsDigest   = Prefix + "deps.digest"   // digest of what all up to deps was made from, lock files and base among it
	SourceDigest = Prefix + "source.digest" // digest of everything copied, unhashed paths too
	Command      = Prefix + "source.cmd"    // the runtime's command (see CommandValue)
)

// CommandValue is the value of Command: a JSON list, or "null" if the command is the base's.
func CommandValue(cmd []string) string {
	text, _ := json.Marshal(cmd) // strings always have a JSON form
	return string(text)
}
