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

// Image is an image config with the fields that Docker adds to OCI's: shell, health check, ONBUILD triggers.
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

// Env returns the variables that the runtime sets in a deps image: PATH first, then the others by name.
func (g *Graph) Env() []Variable {
	return append([]Variable{{"PATH", g.path()}}, byName(g.Runtime.DepsEnv())...)
}

// byName returns variables, sorted by name.
func byName(env map[string]string) []Variable {
	var all []Variable
	for _, name := range slices.Sorted(maps.Keys(env)) {
		all = append(all, Variable{name, env[name]})
	}
	return all
}

// path returns PATH: the runtime's directories, then those of the base, in the base's order.
func (g *Graph) path() string {
	ours := strings.Join(g.Runtime.path(), ":")
	base := envValue(g.Base.Config, "PATH")
	if base == "" {
		base = system.DefaultPathEnv(g.Platform.OS)
	}
	if base == ours || strings.HasPrefix(base, ours+":") {
		return base // rtbuild made the image
	}
	if g.standalonePython() {
		ours += ":" + g.Runtime.python() + "/bin"
	}
	return ours + ":" + base
}

// DepsFacts are the values of a deps image's labels that the graph does not know.
type DepsFacts struct {
	Stage      string // system or tools, if the image ends there; else it is a deps image
	Owner      Owner
	Tools      string // digest of the inputs of system and tools
	DepsDigest string // digest of the inputs of system, tools and deps
	BaseName   string // the user's base image, as a full reference
	BaseDigest string
}

// DepsConfig returns the config of a deps image that was built from the base image.
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
		labels.ToolsLayers:                 strconv.Itoa(len(base.RootFS.DiffIDs) + layers.countSystemAndTools()),
		labels.ToolsDigest:                 facts.Tools,
		labels.UID:                         strconv.Itoa(facts.Owner.UID),
		labels.GID:                         strconv.Itoa(facts.Owner.GID),
		ocispecs.AnnotationBaseImageName:   facts.BaseName,
		ocispecs.AnnotationBaseImageDigest: facts.BaseDigest,
	})
	return img, nil
}

// VersionedConfig returns the config of a deps image that was built on an earlier one. The labels of system and tools are those of the
// earlier image.
//
// If rtbuild did not make the earlier image, its base is unknown. The config then labels neither base nor inputs, but only the owner and
// the recipe.
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

// olderRecipe returns the older of a label's recipe and the current one: system and tools may come from one, deps from the other. It
// returns 0 if the label holds no number.
func olderRecipe(label string) int {
	if n, err := strconv.Atoi(label); err == nil {
		return min(n, Recipe)
	}
	return 0
}

// depsConfig returns what the configs of all deps images have in common: the config of the entry image and the runtime's environment,
// without rtbuild's labels of the entry image.
func (g *Graph) depsConfig(layers Layers) (*Image, error) {
	img, err := g.baseConfig()
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(img.Config.Labels, func(key, _ string) bool { return strings.HasPrefix(key, labels.Prefix) })
	setEnv(img, g.Env())
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

// SourceConfig returns the config of a source image. It holds the user's settings for containers, which no deps image has, and the labels
// of more.
func (g *Graph) SourceConfig(layers Layers, treeDigest string, more map[string]string) (*Image, error) {
	img, err := g.baseConfig()
	if err != nil {
		return nil, err
	}
	setEnv(img, append(g.Env(), byName(g.Runtime.Env)...))
	g.setProcess(img)
	g.finish(img, layers, StageSource)
	setLabels(img, map[string]string{labels.SourceDigest: treeDigest, labels.Command: labels.CommandValue(g.Runtime.Cmd)})
	setLabels(img, more)
	return img, nil
}

// setProcess sets how containers start. As in a Dockerfile, setting an entrypoint drops the base's command. Unlike there, a command drops
// the base's health check, which tests the base's own program.
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
	if r.Healthcheck != nil || r.OwnCommand() {
		img.Config.Healthcheck = r.Healthcheck
	}
	if r.StopSignal != "" {
		img.Config.StopSignal = r.StopSignal
	}
	for _, dir := range r.Volumes {
		if img.Config.Volumes == nil {
			img.Config.Volumes = map[string]struct{}{}
		}
		img.Config.Volumes[dir] = struct{}{}
	}
	for _, port := range r.Expose {
		if img.Config.ExposedPorts == nil {
			img.Config.ExposedPorts = map[string]struct{}{}
		}
		img.Config.ExposedPorts[port] = struct{}{}
	}
}

// baseConfig returns a copy of the entry image's config, with the history of the layers that the build keeps.
func (g *Graph) baseConfig() (*Image, error) {
	img, err := ParseImage(g.Base.Config)
	if err != nil {
		return nil, err
	}
	if layers := len(img.RootFS.DiffIDs); layers > 0 { // none: this build made the config, and its history is complete
		if g.Base.Layers > 0 {
			layers = min(layers, g.Base.Layers)
		}
		img.History = historyOf(img.History, layers)
	}
	img.RootFS.DiffIDs = nil                   // set by the exporter
	img.Config.OnBuild = nil                   // triggers are only for the build that names the base
	if img.Config.Labels[labels.Stage] == "" { // the base of a foreign base image is not the base of this image
		delete(img.Config.Labels, ocispecs.AnnotationBaseImageName)
		delete(img.Config.Labels, ocispecs.AnnotationBaseImageDigest)
	}
	return img, nil
}

// baseLayers returns how many of the layers that the build keeps of an earlier deps image are those of the base, or 0 if its history does
// not say so.
func (g *Graph) baseLayers() int {
	img, err := ParseImage(g.Base.Config)
	if err != nil || g.Base.State != nil {
		return 0
	}
	kept := slices.DeleteFunc(historyOf(img.History, g.Base.Layers), func(h ocispecs.History) bool { return h.EmptyLayer })
	n := len(kept)
	for n > 0 && kept[n-1].Comment == comment {
		n--
	}
	return n
}

// historyOf returns the history of an image's first n layers. The result always describes n layers. Otherwise BuildKit fills in the missing
// entries, and does so differently for an image that it has pulled.
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

// setEnv replaces existing variables in place and appends new ones.
func setEnv(img *Image, env []Variable) {
	for _, v := range env {
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

// fillCreated dates the entries that have no date. Otherwise BuildKit sets the current time.
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
