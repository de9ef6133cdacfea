package profile

import (
	"github.com/rtbuild/rtbuild/internal/profile/releases"
	"github.com/rtbuild/rtbuild/llb"
)

// Release returns the newest known download with a name that satisfies a version, with the changes that the file's tools make to it. Any
// version satisfies an empty one.
func (r *Runtime) Release(name, version string) (llb.Tool, bool) {
	for _, own := range r.Tools {
		if own.Name == name && r.overrides(own) {
			t, known := releases.Like(name, own.Version)
			return override(t, own), known
		}
	}
	return releases.Find(name, version)
}

// pinned returns all known downloads, with the changes that the file's tools make to them.
func (r *Runtime) pinned() []llb.Tool {
	all := releases.All()
	for i, t := range all {
		for _, own := range r.Tools {
			if own.Name == t.Name && r.overrides(own) {
				like, _ := releases.Like(t.Name, own.Version) // t is one
				all[i] = override(like, own)
			}
		}
	}
	return all
}

// overrides reports whether a tool of the file replaces a known download of the runtime, instead of adding one.
func (r *Runtime) overrides(t Tool) bool {
	return t.URL == "" || definitionOf(r.Profile).installsTool(t.Name)
}

// override returns a download with the version and the address of a tool.
func override(t llb.Tool, by Tool) llb.Tool {
	if by.URL != "" {
		t.URL, t.Arch = by.URL, nil
	}
	t.Version, t.SHA256, t.Chosen = by.Version, by.SHA256, true
	return t
}

// extraTools returns the file's tools that add downloads.
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

// Downloads returns the tools that an image of the runtime may contain: those of its components, its package manager and the file. It
// includes the interpreter, even if the base brings one.
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
	if r.ManagerVersion != "" {
		if t, pinned := r.Release(r.Dependencies.Manager, r.ManagerVersion); pinned {
			all = append(all, t)
		}
	}
	if r.Interpreter.Name == "node" {
		if t, pinned := r.Release("node", r.Interpreter.Version); pinned {
			npm, _ := r.Release("npm", "")
			all = append(all, t, npm)
		}
	}
	if r.PythonPinned != "" {
		if t, pinned := r.Release("python", r.PythonPinned); pinned {
			all = append(all, t)
		}
	}
	for _, t := range r.Tools {
		if !r.overrides(t) {
			all = append(all, toolOf(t))
		}
	}
	return all
}

// Mirrored returns a URL with the longest prefix that has a mirror replaced.
func (r *Runtime) Mirrored(url string) string {
	return (&llb.Runtime{Mirrors: r.Mirrors}).Mirrored(url)
}
