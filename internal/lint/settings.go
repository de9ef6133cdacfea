package lint

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// Settings returns the settings in the line "# check=skip=RULE,RULE" at the top of a runtime file. They are those of a Dockerfile's
// linter. Without such a line they are empty. The error says which setting is unknown.
func Settings(file []byte) (*linter.Config, error) {
	text, _, _, ok := parser.ParseDirective("check", file)
	if !ok {
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
