package plan

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
)

// Values of LabelStage.
const (
	StageDeps   = "deps"
	StageSource = "source"
)
