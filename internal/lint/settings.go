package lint

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// SettingsArg is the build argument with the settings, as for a Dockerfile. It overrides the line of the file.
const SettingsArg = "BUILDKIT_DOCKERFILE_CHECK"

// Settings returns the settings in a build argument SettingsArg or, without one, in the line "# check=skip=RULE,RULE" at the top of a runtime
// file. They are those of a Dockerfile's linter. Without either they are empty. The error says which setting is unknown.
func Settings(file []byte, args map[string]string) (*linter.Config, error) {
	text, given := args[SettingsArg]
	if !given {
		text, _, _, given = parser.ParseDirective("check", file)
	}
	if !given {
		return &linter.Config{}, nil
	}
	return linter.ParseLintOptions(text)
}

// Select returns the findings of the rules that the settings do not skip.
func Select(findings []Finding, settings *linter.Config) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool {
		return settings.SkipAll || slices.Contains(settings.SkipRules, f.Rule)
	})
}
