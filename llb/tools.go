package llb

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/redact"
)

// Download is a file that is fetched by address and known by its checksum.
type Download struct {
	Name   string // the file's name
	Title  string // what a person calls it
	Field  string // the field of runtime.yaml that asks for it
	URL    string
	SHA256 string // hex; empty if it is not known
}

// tools is the stage of pinned downloads. Each is unpacked on nothing and merged, so it is fetched while system runs.
func (g *Graph) tools() (Layers, error) {
	parts := []func() (Layers, error){g.interpreter}
	if g.openhands() {
		parts = []func() (Layers, error){g.nodeOfUbuntu, g.uv, g.editor, g.micromamba, g.gitConfig}
	}
	for _, tool := range g.Runtime.ExtraTools() {
		parts = append(parts, func() (Layers, error) { return g.tool(tool) })
	}
	var layers Layers
	for _, part := range parts {
		more, err := part()
		if err != nil {
			return nil, err
		}
		layers = append(layers, more...)
	}
	return layers, nil
}

// tool puts one of the file's tools below the prefix: an archive unpacked, any other file executable.
func (g *Graph) tool(t profile.Tool) (Layers, error) {
	file, err := g.download(t, "tools."+t.Name)
	if err != nil {
		return nil, err
	}
	dir := path.Join(g.Runtime.Prefix, t.To)
	files := g.inDir(dir).Copy(file.state, "/"+t.Name, dir+"/", &llb.CopyInfo{AttemptUnpack: true})
	return Layers{toolLayer(file, files)}, nil
}

// file is a download as a state that holds it under its tool's name.
type file struct {
	Download
	contacts []string // its address, and where that leads
	state    llb.State
}

// release fetches a download that rtbuild knows; field is what asks for it.
func (g *Graph) release(name, version, field string) (file, error) {
	t, known := g.Runtime.Release(name, version)
	if !known {
		return file{}, Fault(field, "%s %s is not pinned here", name, version)
	}
	return g.download(t, field)
}

// download fetches a tool. Whether it would run on the base is said before.
func (g *Graph) download(t profile.Tool, field string) (file, error) {
	sum, ok := t.SHA256[g.Platform.Architecture]
	title := strings.TrimSpace(t.Name + " " + t.Version)
	switch {
	case !ok:
		return file{}, Fault(field, "tool %s has no sha256 for %s: add one to runtime.yaml's tools", t.Name, g.Platform.Architecture)
	case !g.Distro.Libc.runs(t.Glibc):
		return file{}, Fault("base", "%s needs glibc %s or newer, but the base image %s has %s: use a base of a newer Debian or Ubuntu, or one of "+
			"glibc%s", title, t.Glibc, g.Runtime.Base, g.Distro.Libc, g.without(t.Name))
	}
	contacts := g.contacts(t.Address(g.Platform.Architecture))
	d := Download{Name: t.Name, Title: title, Field: field, URL: contacts[0], SHA256: sum}
	state, err := g.fetch(d)
	return file{d, contacts, state}, err
}

// without is how to do without a tool, where that can be done.
func (g *Graph) without(tool string) string {
	if tool == "openvscode-server" {
		return ", or turn the editor off with components: {editor: false}"
	}
	return ""
}

// toolLayer merges the files of a tool as one layer.
func toolLayer(from file, files *llb.FileAction) Layer {
	layer := Layer{Stage: "tools", Name: "add " + from.Title, Field: from.Field,
		add: merge(llb.Scratch().File(files, named("tools", "unpack "+from.Title)))}
	return layer.contacting(from.contacts...)
}

// inDir begins a file action with a directory of the runtime and those that lead to it. A layer carries them with mode and owner,
// so they are those that the system stage gives them.
func (g *Graph) inDir(dir string) *llb.FileAction {
	var action *llb.FileAction
	for _, d := range parents(dir) {
		opts := []llb.MkdirOption{llb.WithCreatedTime(g.Epoch)}
		if d == g.Runtime.Prefix || strings.HasPrefix(d, g.Runtime.Prefix+"/") {
			opts = append(opts, g.ownedTools())
		}
		if action == nil {
			action = llb.Mkdir(d, 0o755, opts...)
			continue
		}
		action = action.Mkdir(d, 0o755, opts...)
	}
	return action
}

// ownedTools is who owns the prefix and the tools in it: in OpenHands' images the user, as all of the prefix.
func (g *Graph) ownedTools() llb.ChownOption {
	if g.openhands() {
		return llb.WithUIDGID(g.Owner.UID, g.Owner.GID)
	}
	return llb.WithUIDGID(0, 0)
}

// fetch gives a state that holds the file under its name, mode 0755.
func (g *Graph) fetch(d Download) (llb.State, error) {
	if g.Fetch != nil {
		return g.Fetch(d)
	}
	opts := []llb.HTTPOption{llb.Filename(d.Name), llb.Chmod(0o755), named("tools", "fetch "+d.Title+" from "+redact.URL(d.URL)), g.where(d.Field)}
	if d.SHA256 != "" {
		opts = append(opts, llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, d.SHA256)))
	}
	return llb.HTTP(d.URL, opts...), nil
}
