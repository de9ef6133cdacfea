package plan

import "encoding/json"

// The labels that later builds rely on. Where the OCI image spec has a key, that key is used; its constants are in
// image-spec's annotations.go.
const (
	// LabelPrefix begins all of ours. What a base brings under it is dropped.
	LabelPrefix = "io.rtbuild."

	LabelStage      = LabelPrefix + "stage"         // StageDeps or StageSource
	LabelProfile    = LabelPrefix + "profile"       // the profile's name
	LabelPlatform   = LabelPrefix + "platform"      // os/arch[/variant]
	LabelRecipe     = LabelPrefix + "recipe"        // number of the recipe that system, tools and deps were made by
	LabelUID        = LabelPrefix + "user.uid"      // who owns dependencies and source
	LabelGID        = LabelPrefix + "user.gid"      //
	LabelLayers     = LabelPrefix + "tools.layers"  // number of layers up to and including the tools stage
	LabelTools      = LabelPrefix + "tools.digest"  // digest of what system and tools were made from
	LabelDeps       = LabelPrefix + "deps.digest"   // digest of what all up to deps was made from, lock files and base among it
	LabelSourceTree = LabelPrefix + "source.digest" // digest of everything copied, unhashed paths too
	LabelCommand    = LabelPrefix + "source.cmd"    // the runtime's command (see Command)
)

// Values of LabelStage.
const (
	StageDeps   = "deps"
	StageSource = "source"
)

// Command is the value of LabelCommand: a JSON list, or "null" where the command is the base's.
func Command(cmd []string) string {
	text, _ := json.Marshal(cmd) // strings always have a JSON form
	return string(text)
}
