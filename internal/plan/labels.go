package plan

import "github.com/rtbuild/rtbuild/tags/labels"

// The labels that plans rely on; see package labels.
const (
	LabelPrefix     = labels.Prefix
	LabelStage      = labels.Stage
	LabelProfile    = labels.Profile
	LabelPlatform   = labels.Platform
	LabelRecipe     = labels.Recipe
	LabelUID        = labels.UID
	LabelGID        = labels.GID
	LabelLayers     = labels.ToolsLayers
	LabelTools      = labels.ToolsDigest
	LabelDeps       = labels.DepsDigest
	LabelSourceTree = labels.SourceDigest
	LabelCommand    = labels.Command
)

// Values of LabelStage.
const (
	StageDeps   = "deps"
	StageSource = "source"
)

// Command returns the value of LabelCommand: a JSON list, or "null" if the image keeps the base's command.
func Command(cmd []string) string { return labels.CommandValue(cmd) }
