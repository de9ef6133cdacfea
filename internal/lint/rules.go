package lint

// Rule is a kind of finding. Names follow the style of BuildKit's linter.
type Rule struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// The rules.
var (
	UnpinnedBase      = Rule{"UnpinnedBase", "The base image should be named with its digest"}
	UnpinnedTool      = Rule{"UnpinnedTool", "A tool should have a URL with its version and a checksum for every platform"}
	UnverifiedTool    = Rule{"UnverifiedTool", "A download should have a known checksum"}
	LockOutOfStep     = Rule{"LockOutOfStep", "The lock file should agree with the manifest"}
	ScriptsLeftOut    = Rule{"ScriptsLeftOut", "The project's own install scripts should not be needed"}
	MissingStart      = Rule{"MissingStart", "The file that the command runs should be in the image"}
	NoCommand         = Rule{"NoCommand", "The image should have a command of its own"}
	OtherNode         = Rule{"OtherNode", "The image should have the Node.js that the project asks for"}
	InstallVariable   = Rule{"InstallVariable", "Variables for the installation of dependencies should reach it"}
	UnhashedSource    = Rule{"UnhashedSource", "Files that are copied into the image should count for its tag"}
	SecretInSource    = Rule{"SecretInSource", "The source should not contain secrets"}
	IgnoreHidesHashed = Rule{"IgnoreHidesHashed", "Ignore patterns should not hide inputs of the image"}
	MixedIndexes      = Rule{"MixedIndexes", "A package should come from a known index, or have a hash"}
	PlatformsLost     = Rule{"PlatformsLost", "Publishing should not remove platforms from a tag"}
)

// Rules returns all rules, sorted by name.
func Rules() []Rule {
	return []Rule{IgnoreHidesHashed, InstallVariable, LockOutOfStep, MissingStart, MixedIndexes, NoCommand, OtherNode, PlatformsLost, ScriptsLeftOut, SecretInSource, UnhashedSource, UnpinnedBase, UnpinnedTool, UnverifiedTool}
}
