package llb

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/util/system"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/tags/labels"
)

// Image is an image config with the fields that Docker adds to OCI's: shell, health check, triggers.
type Image = dockerspec.DockerOCIImage

// ParseImage reads an image config.
func ParseImage(config []byte) (*Image, error) {
	var img Image
	if err := json.Unmarshal(config, &img); err != nil {
		return nil, fmt.Errorf("reading an image config: %w", err)
	}
	return &img, nil
}

// Variable is an environment variable of the image.
type Variable struct{ Name, Value string }

// Env is what the runtime sets in the image's environment: PATH first, then the runtime's own, by name.
func (g *Graph) Env() []Variable {
	env := []Variable{{"PATH", g.path()}}
	for _, name := range slices.Sorted(maps.Keys(g.Runtime.Env)) {
		env = append(env, Variable{name, g.Runtime.Env[name]})
	}
	return env
}

// path is the runtime's directories and then the base's PATH, in its own order.
func (g *Graph) path() string {
	ours := strings.Join(g.Runtime.path(), ":")
	base := envValue(g.Base.Config, "PATH")
	if base == "" {
		base = system.DefaultPathEnv(g.Platform.OS)
	}
	if base == ours || strings.HasPrefix(base, ours+":") {
		return base // an image of ours
	}
	return ours + ":" + base
}

// DepsFacts is what the labels of a deps image say beside what the graph knows.
type DepsFacts struct {
	Stage      string // system or tools, where the image ends there; else it is a deps image
	Owner      Owner
	Tools      string // digest of what system and tools are made from
	DepsDigest string // digest of what all up to deps is made from
	BaseName   string // the user's base image, fully named
	BaseDigest string
}

// DepsConfig is the config of a deps image that was built from its base on.
func (g *Graph) DepsConfig(layers Layers, facts DepsFacts) (*Image, error) {
	img, err := g.depsConfig(layers)
	if err != nil {
		return nil, err
	}
	base, err := ParseImage(g.Base.Config)
	if err != nil {
		return nil, err
	}
	if facts.Stage == StageSystem || facts.Stage == StageTools {
		setLabels(img, map[string]string{labels.Stage: facts.Stage})
	} else {
		setLabels(img, map[string]string{labels.DepsDigest: facts.DepsDigest})
	}
	setLabels(img, map[string]string{
		labels.Recipe:                      strconv.Itoa(Recipe),
		labels.ToolsLayers:                 strconv.Itoa(len(base.RootFS.DiffIDs) + layers.upToTools()),
		labels.ToolsDigest:                 facts.Tools,
		labels.UID:                         strconv.Itoa(facts.Owner.UID),
		labels.GID:                         strconv.Itoa(facts.Owner.GID),
		ocispecs.AnnotationBaseImageName:   facts.BaseName,
		ocispecs.AnnotationBaseImageDigest: facts.BaseDigest,
	})
	return img, nil
}

// VersionedConfig is the config of a deps image that was built on an earlier one. The facts of system and tools are the
// earlier image's; if that was not made by rtbuild, there are none but the owner: nobody knows its base, so the image does not
// say what its dependencies were made from either.
func (g *Graph) VersionedConfig(layers Layers, owner Owner, deps string) (*Image, error) {
	start, err := ParseImage(g.Base.Config)
	if err != nil {
		return nil, err
	}
	img, err := g.depsConfig(layers)
	if err != nil {
		return nil, err
	}
	if start.Config.Labels[labels.Stage] != "" {
		kept := map[string]string{labels.DepsDigest: deps}
		for _, key := range []string{
			labels.ToolsLayers, labels.ToolsDigest, ocispecs.AnnotationBaseImageName, ocispecs.AnnotationBaseImageDigest,
		} {
			if value := start.Config.Labels[key]; value != "" {
				kept[key] = value
			}
		}
		setLabels(img, kept)
	}
	setLabels(img, map[string]string{
		labels.Recipe: strconv.Itoa(olderRecipe(start.Config.Labels[labels.Recipe])),
		labels.UID:    strconv.Itoa(owner.UID),
		labels.GID:    strconv.Itoa(owner.GID),
	})
	return img, nil
}

// olderRecipe is the older of a label's recipe and ours: system and tools may be by one and deps by the other.
func olderRecipe(label string) int {
	if n, err := strconv.Atoi(label); err == nil {
		return min(n, Recipe)
	}
	return 0
}

// depsConfig is what all deps images have in common: the config of the image they stand on, and our environment. Labels
// of ours that a base brings are dropped.
func (g *Graph) depsConfig(layers Layers) (*Image, error) {
	img, err := g.baseConfig()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(img.Config.Labels, func(key, _ string) bool { return strings.HasPrefix(key, labels.Prefix) })
	g.setEnv(img)
	img.Config.User = ""
	if user := g.Runtime.User; !user.StartsAsRoot && user.Name != "root" {
		img.Config.User = user.Name
	}
	if shell := g.Runtime.User.Shell; shell != "" {
		img.Config.Shell = []string{shell, "-c"}
	}
	g.finish(img, layers, StageDeps)
	return img, nil
}

// SourceConfig is the config of a source image on deps: what the user sets for containers is in it and in no deps image.
func (g *Graph) SourceConfig(layers Layers, treeDigest string, more map[string]string) (*Image, error) {
	img, err := g.baseConfig()
	if err != nil {
		return nil, err
	}
	g.setEnv(img)
	g.setProcess(img)
	g.finish(img, layers, StageSource)
	setLabels(img, map[string]string{labels.SourceDigest: treeDigest, labels.Command: labels.CommandValue(g.Runtime.Cmd)})
	setLabels(img, more)
	return img, nil
}

// setProcess sets how containers start. As in a Dockerfile, an entrypoint of its own drops the base's command.
func (g *Graph) setProcess(img *Image) {
	r := g.Runtime
	if r.Entrypoint != nil {
		img.Config.Entrypoint, img.Config.Cmd = r.Entrypoint, nil
	}
	if r.Cmd != nil {
		img.Config.Cmd = r.Cmd
	}
	img.Config.WorkingDir = r.Code()
	if r.Workdir != "" {
		img.Config.WorkingDir = r.Workdir
	}
	for _, port := range r.Expose {
		if img.Config.ExposedPorts == nil {
			img.Config.ExposedPorts = map[string]struct{}{}
		}
		img.Config.ExposedPorts[port] = struct{}{}
	}
}

// baseConfig is a copy of the config that the build enters on, with the history of the layers that are taken from it.
func (g *Graph) baseConfig() (*Image, error) {
	img, err := ParseImage(g.Base.Config)
	if err != nil {
		return nil, err
	}
	if layers := len(img.RootFS.DiffIDs); layers > 0 { // none: a config made here, whose history is complete
		if g.Base.Layers > 0 {
			layers = min(layers, g.Base.Layers)
		}
		img.History = historyOf(img.History, layers)
	}
	img.RootFS.DiffIDs = nil                   // the exporter fills them in
	img.Config.OnBuild = nil                   // triggers are for the build that names the base, and no build runs them twice
	if img.Config.Labels[labels.Stage] == "" { // what another's image says of its own base is not true of ours
		delete(img.Config.Labels, ocispecs.AnnotationBaseImageName)
		delete(img.Config.Labels, ocispecs.AnnotationBaseImageDigest)
	}
	return img, nil
}

// historyOf is the history of an image's first n layers. It always speaks of n layers: BuildKit would fill in what is
// missing, and differently for an image that it has pulled.
func historyOf(history []ocispecs.History, n int) []ocispecs.History {
	var kept []ocispecs.History
	for _, h := range history {
		if n == 0 {
			break
		}
		kept = append(kept, h)
		if !h.EmptyLayer {
			n--
		}
	}
	for ; n > 0; n-- {
		kept = append(kept, ocispecs.History{Comment: "not recorded"})
	}
	return kept
}

// setEnv replaces variables where they are and appends new ones.
func (g *Graph) setEnv(img *Image) {
	for _, v := range g.Env() {
		kv := v.Name + "=" + v.Value
		at := slices.IndexFunc(img.Config.Env, func(s string) bool { return strings.HasPrefix(s, v.Name+"=") })
		if at < 0 {
			img.Config.Env = append(img.Config.Env, kv)
			continue
		}
		img.Config.Env[at] = kv
	}
}

// finish sets platform, labels, history and time.
func (g *Graph) finish(img *Image, layers Layers, stage string) {
	created := g.Epoch
	img.Created = &created
	img.Platform = g.Platform
	img.Author = ""
	img.RootFS.Type = "layers"
	img.History = append(img.History, layers.History(created)...)
	fillCreated(img.History, created)
	setLabels(img, map[string]string{
		labels.Stage:               stage,
		labels.Profile:             g.Runtime.Profile,
		labels.Platform:            platforms.Format(g.Platform),
		ocispecs.AnnotationVersion: g.Runtime.Version,
	})
}

// fillCreated dates the entries without a date, as BuildKit would with the time of day.
func fillCreated(history []ocispecs.History, created time.Time) {
	for i := range history {
		if history[i].Created == nil {
			history[i].Created = &created
		}
	}
}

func setLabels(img *Image, values map[string]string) {
	if img.Config.Labels == nil {
		img.Config.Labels = map[string]string{}
	}
	maps.Copy(img.Config.Labels, values)
}
