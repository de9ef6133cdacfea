package plan

// The images that a plan is for, as values of the label labels.Stage. Package llb has the same names; a test compares them.
const (
	StageDeps   = "deps"
	StageBuild  = "build"
	StageSource = "source"
)
