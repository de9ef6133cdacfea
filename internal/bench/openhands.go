package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/rtbuild/rtbuild/internal/imagediff"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
	"github.com/rtbuild/rtbuild/llb"
)

//go:embed testdata/openhands.Dockerfile
var openhandsDockerfile string

// checkout is a checkout like OpenHands', which is built from scratch. Debian's packages come through a cache, everything else
// from stand-ins on loopback.
type checkout struct {
	*network
	bench      *bench
	dir        string
	python     string
	runtime    *profile.Runtime
	dockerfile string // directory
	plugin     string // directory of Poetry's plugin
	builds     int
	images     [2]string // references of the last images, ours and theirs
}

// measureOpenhands builds the image of profile openhands from scratch on a fresh builder, and compares that with a Dockerfile of
// the same steps.
func measureOpenhands(ctx context.Context, b *bench) ([]row, error) {
	c, err := b.newCheckout(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ours, theirs := c.cold("rtbuild-client solve", c.solve), c.cold("one Dockerfile", c.build)
	b.say("once, not counted: fill the cache of Debian's mirror")
	if _, err := b.inTurns(ctx, 1, theirs); err != nil {
		return nil, err
	}
	all, err := b.inTurns(ctx, b.runs, ours, theirs)
	if err != nil {
		return nil, err
	}
	if err := c.compare(ctx); err != nil {
		return nil, err
	}
	const what = "the openhands image from scratch, fresh builder: the same steps as one Dockerfile"
	return []row{atLeast(1.3, "1.3 times faster").faster(what, each(all[0], wall), each(all[1], wall))}, nil
}

func (b *bench) newCheckout(ctx context.Context) (_ *checkout, err error) {
	c := &checkout{bench: b, dir: filepath.Join(b.dir, "openhands"), python: releases.Python}
	if c.network, err = b.startNetwork(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	if err := testmirror.Project(c.dir, c.mirror); err != nil {
		return nil, err
	}
	if err := c.writeRuntimeFile(); err != nil {
		return nil, err
	}
	if c.runtime, err = profile.Load(os.DirFS(c.dir), profile.Options{}); err != nil {
		return nil, err
	}
	return c, c.writeDockerfile()
}

// writeRuntimeFile writes a runtime file with the stand-ins and their digests.
func (c *checkout) writeRuntimeFile() error {
	var tools []map[string]any
	for _, name := range []string{"uv", "micromamba", "openvscode-server", "docker-apt-key"} {
		release, _ := (&profile.Runtime{}).Release(name, "")
		tools = append(tools, map[string]any{
			"name": name, "version": release.Version,
			"sha256": map[string]string{runtime.GOARCH: c.mirror.SHA256(release.Address(runtime.GOARCH))},
		})
	}
	file := map[string]any{
		"base": c.base, "runtime": map[string]string{"python": c.python}, "tools": tools,
		"network": map[string]any{"mirrors": c.mirror.Mirrors()},
	}
	data, err := json.MarshalIndent(file, "", "  ") // JSON is valid YAML
	if err != nil {
		return err
	}
	return writeSource(filepath.Join(c.dir, "runtime.yaml"), string(data))
}

// writeDockerfile writes the Dockerfile, and the Poetry plugin that our steps use.
func (c *checkout) writeDockerfile() error {
	c.dockerfile, c.plugin = filepath.Join(c.bench.dir, "dockerfile-openhands"), filepath.Join(c.bench.dir, "poetry-mirror")
	return errors.Join(writeMirrorPlugin(c.plugin), writeSource(filepath.Join(c.dockerfile, "Dockerfile"), openhandsDockerfile))
}

// writeMirrorPlugin writes the plugin that makes Poetry fetch from mirrors, as our steps mount it.
func writeMirrorPlugin(dir string) error {
	info := filepath.Join(dir, "rtbuild_poetry_mirror.dist-info")
	for file, from := range map[string]string{
		filepath.Join(dir, "poetry_mirror.py"):  "llb/poetry_mirror.py",
		filepath.Join(info, "entry_points.txt"): "llb/poetry_mirror_entry_points.txt",
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := writeSource(file, string(data)); err != nil {
			return err
		}
	}
	return writeSource(filepath.Join(info, "METADATA"), "Metadata-Version: 2.1\nName: rtbuild-poetry-mirror\nVersion: 1\n")
}

// cold is a build on a fresh builder and into an empty repository. The start of the builder is not timed.
func (c *checkout) cold(name string, build func(ctx context.Context, builder, repository string) (time.Duration, error)) contender {
	return contender{name, func(ctx context.Context) (s sample, err error) {
		c.builds++
		repository := fmt.Sprintf("%s/openhands-%d", c.bench.registry.Host, c.builds)
		builder, stop, err := c.bench.freshBuilder(ctx)
		if err != nil {
			return s, err
		}
		defer func() { err = errors.Join(err, stop()) }()
		s.wall, err = build(ctx, builder.Addr, repository)
		return s, err
	}}
}

// solve runs the client's solve command, and returns the time that it takes.
func (c *checkout) solve(ctx context.Context, builder, repository string) (time.Duration, error) {
	args := []string{"solve", c.dir, "--repository", repository, "--progress", "plain"}
	for name, value := range c.proxy() {
		args = append(args, "--build-arg", name+"="+value)
	}
	took, out, err := c.bench.process(ctx, builder, c.bench.binaries.Client, args...)
	c.images[0] = strings.TrimSpace(out)
	return took, err
}

// build runs buildctl, and returns the time that it takes.
func (c *checkout) build(ctx context.Context, builder, repository string) (time.Duration, error) {
	image := repository + ":dockerfile"
	args := []string{"build", "--progress", "plain", "--frontend", "dockerfile.v0",
		"--local", "context=" + c.dir, "--local", "dockerfile=" + c.dockerfile,
		"--local", "poetry-mirror=" + c.plugin, "--opt", "context:poetry-mirror=local:poetry-mirror",
		"--output", "type=image,name=" + image + ",push=true"}
	values := c.arguments()
	maps.Copy(values, c.proxy())
	for name, value := range values {
		args = append(args, "--opt", "build-arg:"+name+"="+value)
	}
	took, _, err := c.bench.process(ctx, builder, c.bench.binaries.Buildctl, args...)
	c.images[1] = image
	return took, err
}

// arguments returns the Dockerfile's arguments, with the addresses that the client uses.
func (c *checkout) arguments() map[string]string {
	mirrors, err := json.Marshal(c.runtime.Mirrors)
	if err != nil {
		panic(err) // a map of strings always has a JSON form
	}
	values := map[string]string{
		"BASE": c.base, "PYTHON": c.python,
		"DOCKER_REPOSITORY": c.runtime.Mirrored(llb.DockerDownloads + "/linux/debian"),
		"CONDA_FORGE":       c.runtime.Mirrored(llb.Sites()["conda-forge"].Addresses[0]),
		"PLAYWRIGHT":        c.runtime.Mirrored(llb.Sites()["playwright"].Addresses[0]),
		"RTBUILD_MIRRORS":   string(mirrors),
	}
	for arg, name := range map[string]string{
		"DOCKER_KEY": "docker-apt-key", "UV": "uv", "MICROMAMBA": "micromamba", "EDITOR_ARCHIVE": "openvscode-server",
	} {
		release, _ := c.runtime.Release(name, "")
		values[arg] = c.runtime.Mirrored(release.Address(runtime.GOARCH))
	}
	return values
}

// traces lists the paths in which the images may differ: files of package managers that depend on time or on the order of steps,
// and shell start files.
var traces = []string{
	"/etc/bash.bashrc", "/etc/environment", "/root/.bashrc", "/home/openhands/.bashrc", "/etc/passwd-", "/etc/group-", "/etc/shadow",
	"/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-", "/etc/group", "/var/log/", "/var/cache/", "/var/lib/dpkg/",
	"/var/lib/apt/", "/etc/ld.so.cache",
}

// isTrace reports whether a path is a trace. A wheel's RECORD is one too: it may list removed byte code.
func isTrace(path string) bool {
	return strings.HasSuffix(path, ".dist-info/RECORD") || slices.ContainsFunc(traces, func(p string) bool {
		return path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path+"/", p)
	})
}

// compare compares the images, and returns an error if they differ in more than traces.
func (c *checkout) compare(ctx context.Context) error {
	_, out, err := c.bench.process(ctx, "", c.bench.binaries.Client, "diff", "--format", "json", c.images[0], c.images[1])
	if err != nil {
		return err
	}
	var diff struct {
		Files []struct {
			Path    string
			Kind    imagediff.Kind
			Differs []imagediff.Aspect
		}
	}
	if err := json.Unmarshal([]byte(out), &diff); err != nil {
		return err
	}
	var more []string
	for _, f := range diff.Files {
		if !isTrace(f.Path) {
			more = append(more, fmt.Sprintf("%s %s %v", f.Kind, f.Path, f.Differs))
		}
	}
	c.bench.say("the images differ in %d paths, in %d of them by more than traces of the steps", len(diff.Files), len(more))
	if len(more) > 0 {
		return fmt.Errorf("the Dockerfile does not make the same image (- ours, + theirs):\n%s", strings.Join(more, "\n"))
	}
	return nil
}
