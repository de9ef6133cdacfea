package profile

import (
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/llb"
)

// Release gives a download that rtbuild knows by its name, as the file's tools: has it. An empty version is any; "22" is the
// newest whose first number is 22.
func (r *Runtime) Release(name, version string) (llb.Tool, bool) {
	for _, own := range r.Tools {
		if own.Name == name && r.overrides(own) {
			t, known := releases.Find(name, "")
			return override(t, own), known
		}
	}
	return releases.Find(name, version)
}

// pinned are all downloads that rtbuild knows, as the file's tools: has them.
func (r *Runtime) pinned() []llb.Tool {
	all := releases.All()
	for i, t := range all {
		for _, own := range r.Tools {
			if own.Name == t.Name && r.overrides(own) {
				all[i] = override(t, own)
			}
		}
	}
	return all
}

// overrides reports whether a tool of the file is another version of a download that the runtime needs anyway, and not one more.
func (r *Runtime) overrides(t Tool) bool {
	return t.URL == "" || definitionOf(r.Profile).installsTool(t.Name)
}

// override is a release in another version, or from another address.
func override(t llb.Tool, by Tool) llb.Tool {
	if by.URL != "" {
		t.URL, t.Arch = by.URL, nil
	}
	t.Version, t.SHA256, t.Chosen = by.Version, by.SHA256, true
	return t
}

// extraTools are those of the file's tools that are put into the image for their own sake.
func (r *Runtime) extraTools() []llb.Component {
	var all []llb.Component
	for _, t := range r.Tools {
		if !r.overrides(t) {
			all = append(all, toolOf(t))
		}
	}
	return all
}

func toolOf(t Tool) llb.Tool {
	return llb.Tool{Name: t.Name, Version: t.Version, URL: t.URL, SHA256: t.SHA256, To: t.To}
}

// Downloads are the tools that an image of the runtime may be made with: those that its components and its package manager need,
// and the file's own. An interpreter is among them although the base may bring it.
func (r *Runtime) Downloads() []llb.Tool {
	names := chosen(definitionOf(r.Profile).releases, r.Components)
	if r.Dependencies.Manager == "uv" {
		names = append(names, "uv")
	}
	var all []llb.Tool
	for _, name := range names {
		t, _ := r.Release(name, "")
		all = append(all, t)
	}
	if r.Interpreter.Name == "node" {
		if t, pinned := r.Release("node", r.Interpreter.Version); pinned {
			npm, _ := r.Release("npm", "")
			all = append(all, t, npm)
		}
	}
	for _, t := range r.Tools {
		if !r.overrides(t) {
			all = append(all, toolOf(t))
		}
	}
	return all
}

// Mirrored replaces the longest prefix of an address that has a mirror.
func (r *Runtime) Mirrored(url string) string {
	return (&llb.Runtime{Mirrors: r.Mirrors}).Mirrored(url)
}
