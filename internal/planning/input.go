package planning

import (
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// InputOf returns the part of a plan's input that describes the runtime. copied is the digest of everything to copy, and
// depsDigest that of everything the deps image is made from. The caller adds what the user asks for.
func InputOf(runtime *profile.Runtime, names tags.Set, copied, depsDigest string) plan.Input {
	return plan.Input{
		Tags: names, Base: runtime.Base, Cmd: runtime.Cmd, Tree: copied, DepsDigest: depsDigest,
		Tools: runtime.ToolsDigest(), Recipe: llb.Recipe, Foreign: runtime.SourceApart(),
	}
}
