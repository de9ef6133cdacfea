package planning

import (
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// SpellingOf returns how the options of a plan are given in a place.
func SpellingOf(from options.Source) plan.Spelling {
	return plan.Spelling{
		Force: from.Give(options.ForceRebuild), Pull: from.Give(options.Pull),
		Versioned: from.GiveValue(options.Variant, string(plan.Versioned)),
	}
}

// InputOf returns the part of a plan's input that describes the runtime. copied is the digest of everything to copy, and
// depsDigest that of everything the deps image is made from. The caller adds what the user asks for.
func InputOf(runtime *profile.Runtime, names tags.Set, copied, depsDigest string) plan.Input {
	return plan.Input{
		Tags: names, Base: runtime.Base, Cmd: runtime.Cmd, Tree: copied, DepsDigest: depsDigest,
		Tools: runtime.ToolsDigest(), Recipe: llb.Recipe, Foreign: runtime.SourceApart(), Tests: len(runtime.Tests) > 0,
		DepsNotes: runtime.Notes(),
	}
}
