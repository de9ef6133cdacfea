package lint

// Rule is a kind of finding. Names are written as BuildKit's linter writes its own.
type Rule struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// The rules.
var (
	UnpinnedBase      = Rule{"UnpinnedBase", "The base image should be named with its digest"}
	UnpinnedTool      = Rule{"UnpinnedTool", "A tool should be downloaded from an address of its version and have a checksum for every platform"}
	UnverifiedTool    = Rule{"UnverifiedTool", "A download should have a checksum that somebody has verified"}
	LockOutOfStep     = Rule{"LockOutOfStep", "The lock file should agree with the manifest"}
	UnhashedSource    = Rule{"UnhashedSource", "What is copied into the image should be in its tag"}
	SecretInSource    = Rule{"SecretInSource", "The source should hold no secrets"}
	IgnoreHidesHashed = Rule{"IgnoreHidesHashed", "Ignore patterns should not hide what the image is made from"}
	PlatformsLost     = Rule{"PlatformsLost", "Publishing should not take platforms away from a tag"}
)

// Rules are all rules, by name.
func Rules() []Rule {
	return []Rule{IgnoreHidesHashed, LockOutOfStep, PlatformsLost, SecretInSource, UnhashedSource, UnpinnedBase, UnpinnedTool, UnverifiedTool}
}
