package llb

import (
	"net/url"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"
)

// Download is a file to fetch, with its checksum.
type Download struct {
	Name   string // the file's name
	Title  string // its name and version, for people
	Field  string // the field of runtime.yaml that asks for it
	URL    string
	SHA256 string // hex; empty: unknown
}

// tools returns the layers of pinned downloads. Each is unpacked on scratch and merged, so the builder fetches it while system runs.
func (g *Graph) tools() (Layers, error) {
	layers, err := g.interpreter()
	if err != nil {
		return nil, err
	}
	more, err := g.components(g.Runtime.Tools)
	return append(layers, more...), err
}

// layers returns the layer that puts the tool below the prefix.
func (t Tool) layers(g *Graph) (Layers, error) {
	from, err := g.download(t, "tools."+t.Name)
	if err != nil {
		return nil, err
	}
	return Layers{g.toolLayer(from, func() *llb.FileAction {
		dir := path.Join(g.Runtime.Prefix, t.To)
		return g.mkdirAll(dir).Copy(g.state(from), "/"+t.Name, dir+"/", &llb.CopyInfo{AttemptUnpack: true})
	})}, nil
}

// file is a download and the addresses that it comes from: its URL, and the host that this redirects to.
type file struct {
	Download
	endpoints []string
}

// release returns the newest pinned download of a name that satisfies a version. Errors name field as their cause.
func (g *Graph) release(name, version, field string) (file, error) {
	for _, t := range g.Runtime.Releases {
		if t.Is(name, version) {
			return g.download(t, field)
		}
	}
	return file{}, FieldErrorf(field, "rtbuild has no pinned download of %s", strings.TrimSpace(name+" "+version))
}

// download returns a tool's file for the graph's platform. It returns a [FieldError] if the tool has none or would not run on the base.
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
		return file{}, FieldErrorf("base", "%s needs glibc %s or newer, but the base image %s has %s: use a newer Debian or Ubuntu as base, or another base with "+
			"glibc%s", title, t.Glibc, g.Runtime.Base, g.Distro.Libc, without)
	}
	endpoints := g.endpoints(t.Address(g.Platform.Architecture))
	return file{Download{Name: t.Name, Title: title, Field: field, URL: endpoints[0], SHA256: sum}, endpoints}, nil
}

// toolLayer returns a layer that merges the files of a tool.
func (g *Graph) toolLayer(from file, files func() *llb.FileAction) Layer {
	return Layer{Stage: StageTools, Name: "add " + from.Title, Field: from.Field, upper: func(layerInput) llb.State {
		return llb.Scratch().File(files(), named(StageTools, "unpack "+from.Title))
	}}.withDownload(from)
}

// mkdirAll starts a file action that makes a directory of the runtime and its parents. A layer records their mode and owner, so these match
// those of the system stage.
func (g *Graph) mkdirAll(dir string) *llb.FileAction {
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

// ownedTools returns the owner of the prefix and of the tools in it.
func (g *Graph) ownedTools() llb.ChownOption {
	if g.Runtime.User.OwnsPrefix {
		return llb.WithUIDGID(g.Owner.UID, g.Owner.GID)
	}
	return llb.WithUIDGID(0, 0)
}

// state returns a state that holds a download under its name, with mode 0755: the caller's file or else one that the builder fetches.
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

// withoutSecrets returns a URL for the progress. User, password, query and fragment may hold tokens, so it drops them.
func withoutSecrets(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "its address"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// unpacked returns the contents of a download that is an archive.
func (g *Graph) unpacked(f file) llb.State {
	return llb.Scratch().File(llb.Copy(g.state(f), "/"+f.Name, "/", &llb.CopyInfo{AttemptUnpack: true}), named(StageTools, "unpack "+f.Title))
}
