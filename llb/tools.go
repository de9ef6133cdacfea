package llb

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// Download is a file that is fetched by address and known by its checksum.
type Download struct {
	Name   string // the file's name
	Title  string // what a person calls it
	Field  string // the field of runtime.yaml that asks for it
	URL    string
	SHA256 string // hex
}

// tools is the stage of pinned downloads. Each is unpacked on nothing and merged, so it is fetched while system runs.
func (g *Graph) tools() (Layers, error) {
	layers, err := g.interpreter()
	if err != nil {
		return nil, err
	}
	for _, tool := range g.Runtime.Tools {
		layer, err := g.tool(tool)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	return layers, nil
}

// tool puts one of the runtime's tools below the prefix: an archive unpacked, any other file executable.
func (g *Graph) tool(t profile.Tool) (Layer, error) {
	sum, ok := t.SHA256[g.Platform.Architecture]
	if !ok {
		return Layer{}, Fault("tools."+t.Name, "tool %s has no sha256 for %s: add one to runtime.yaml's tools", t.Name, g.Platform.Architecture)
	}
	url := strings.NewReplacer("{version}", t.Version, "{arch}", g.Platform.Architecture).Replace(t.URL)
	title := strings.TrimSpace(t.Name + " " + t.Version)
	file, err := g.fetch(Download{Name: t.Name, Title: title, Field: "tools." + t.Name, URL: url, SHA256: sum})
	if err != nil {
		return Layer{}, err
	}
	dir := path.Join(g.Runtime.Prefix, t.To)
	files := g.inDir(dir).Copy(file, "/"+t.Name, dir+"/", &llb.CopyInfo{AttemptUnpack: true})
	return toolLayer(title, "tools."+t.Name, files), nil
}

// toolLayer merges the files of a tool as one layer.
func toolLayer(title, field string, files *llb.FileAction) Layer {
	return Layer{Stage: "tools", Name: "add " + title, Field: field, add: merge(llb.Scratch().File(files, named("tools", "unpack "+title)))}
}

// inDir begins a file action with a directory of the runtime and those that lead to it.
func (g *Graph) inDir(dir string) *llb.FileAction {
	dirs := parents(dir)
	action := llb.Mkdir(dirs[0], 0o755, llb.WithCreatedTime(g.Epoch))
	for _, d := range dirs[1:] {
		action = action.Mkdir(d, 0o755, llb.WithCreatedTime(g.Epoch))
	}
	return action
}

// fetch gives a state that holds the file under its name, mode 0755.
func (g *Graph) fetch(d Download) (llb.State, error) {
	d.URL = mirrored(d.URL, g.Runtime.Mirrors)
	if g.Fetch != nil {
		return g.Fetch(d)
	}
	return llb.HTTP(d.URL, llb.Checksum(digest.NewDigestFromEncoded(digest.SHA256, d.SHA256)), llb.Filename(d.Name),
		llb.Chmod(0o755), named("tools", "fetch "+d.Title), g.where(d.Field)), nil
}

// mirrored replaces the longest prefix of an address that has a mirror.
func mirrored(url string, mirrors map[string]string) string {
	best := ""
	for prefix := range mirrors {
		if strings.HasPrefix(url, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	if best == "" {
		return url
	}
	return mirrors[best] + strings.TrimPrefix(url, best)
}
