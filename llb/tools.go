package llb

import (
	"net/url"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
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
	layers, err := g.interpreter()
	if err != nil {
		return nil, err
	}
	more, err := g.components(g.Runtime.Tools)
	return append(layers, more...), err
}

// layers puts the tool below the prefix.
func (t Tool) layers(g *Graph) (Layers, error) {
	from, err := g.download(t, "tools."+t.Name)
	if err != nil {
		return nil, err
	}
	return Layers{g.toolLayer(from, func() *llb.FileAction {
		dir := path.Join(g.Runtime.Prefix, t.To)
		return g.inDir(dir).Copy(g.state(from), "/"+t.Name, dir+"/", &llb.CopyInfo{AttemptUnpack: true})
	})}, nil
}

// file is a download, and what it is fetched from: its address, and where that leads.
type file struct {
	Download
	endpoints []string
}

// release finds a download that components ask for by name; field is what asks for it.
func (g *Graph) release(name, version, field string) (file, error) {
	for _, t := range g.Runtime.Releases {
		if t.Is(name, version) {
			return g.download(t, field)
		}
	}
	return file{}, FieldErrorf(field, "%s %s is not pinned here", name, version)
}

// download is a tool for the graph's platform. It is an error if it would not run on the base.
func (g *Graph) download(t Tool, field string) (file, error) {
	sum, ok := t.SHA256[g.Platform.Architecture]
	title := strings.TrimSpace(t.Name + " " + t.Version)
	switch {
	case !ok:
		return file{}, FieldErrorf(field, "tool %s has no sha256 for %s: add one to runtime.yaml's tools", t.Name, g.Platform.Architecture)
	case !g.Distro.Libc.runs(t.Glibc):
		without := ""
		if t.Without != "" {
			without = ", or " + t.Without
		}
		return file{}, FieldErrorf("base", "%s needs glibc %s or newer, but the base image %s has %s: use a base of a newer Debian or Ubuntu, or one of "+
			"glibc%s", title, t.Glibc, g.Runtime.Base, g.Distro.Libc, without)
	}
	endpoints := g.endpoints(t.Address(g.Platform.Architecture))
	return file{Download{Name: t.Name, Title: title, Field: field, URL: endpoints[0], SHA256: sum}, endpoints}, nil
}

// toolLayer merges the files of a tool as one layer.
func (g *Graph) toolLayer(from file, files func() *llb.FileAction) Layer {
	return Layer{Stage: StageTools, Name: "add " + from.Title, Field: from.Field, draw: merged(func(canvas) llb.State {
		return llb.Scratch().File(files(), named(StageTools, "unpack "+from.Title))
	})}.using(from)
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

// ownedTools is who owns the prefix and the tools in it.
func (g *Graph) ownedTools() llb.ChownOption {
	if g.Runtime.User.OwnsPrefix {
		return llb.WithUIDGID(g.Owner.UID, g.Owner.GID)
	}
	return llb.WithUIDGID(0, 0)
}

// state holds a download under its name, mode 0755: the file that is at hand, else one that the builder fetches.
func (g *Graph) state(f file) llb.State {
	if state, ok := g.Files[f.URL]; ok {
		return state
	}
	opts := []llb.HTTPOption{llb.Filename(f.Name), llb.Chmod(0o755), named(StageTools, "fetch "+f.Title+" from "+withoutSecrets(f.URL)), g.location(f.Field)}
	if f.SHA256 != "" {
		opts = append(opts, llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, f.SHA256)))
	}
	return llb.HTTP(f.URL, opts...)
}

// withoutSecrets is an address as the progress shows it. Presigned addresses and tokens are in its user, password, query and fragment.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "its address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// unpacked is what a download's archive unpacks to.
func (g *Graph) unpacked(f file) llb.State {
	return llb.Scratch().File(llb.Copy(g.state(f), "/"+f.Name, "/", &llb.CopyInfo{AttemptUnpack: true}), named(StageTools, "unpack "+f.Title))
}
