package planning

import (
	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// InputOf describes a runtime to plan.Make: its names, the digest of everything that is copied, and the digest of
// everything that its deps image is made from. The caller adds what the user asks for.
func InputOf(runtime *profile.Runtime, names tags.Set, copied, depsDigest string) plan.Input {
	return plan.Input{
		Tags: names, Base: runtime.Base, Cmd: runtime.Cmd, Tree: copied, DepsDigest: depsDigest,
		Tools: runtime.ToolsDigest(), Recipe: llb.Recipe, Foreign: runtime.SourceApart(),
	}
}
