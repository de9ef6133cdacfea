package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
	"github.com/rtbuild/rtbuild/internal/trust"
	"github.com/rtbuild/rtbuild/llb"
)

// origin is what the original builds an image on.
type origin struct {
	tag                string   // of its repository; empty for the base
	scratch, versioned bool     // parts of its template
	names              []string // tags of what it builds
}

// buildOriginal builds with the original's own template, from a folder as the original prepares it.
func buildOriginal(ctx context.Context, r *release, builder, repository string, change int) (s sample, ref string, err error) {
	from := changes[change].from
	dir, err := os.MkdirTemp(r.bench.dir, "original-")
	if err != nil {
		return s, "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	base := r.base
	if from.tag != "" {
		base = repository + ":" + from.tag
	}
	if err := r.prepareOriginal(ctx, dir, base, from); err != nil {
		return s, "", err
	}
	var names []string
	for _, name := range from.names {
		names = append(names, repository+":"+name)
	}
	args := []string{"build", "--progress", "plain", "--frontend", "dockerfile.v0", "--local", "context=" + dir, "--local", "dockerfile=" + dir,
		"--output", fmt.Sprintf(`type=image,"name=%s",push=true`, strings.Join(names, ","))}
	for name, value := range r.proxy() {
		args = append(args, "--opt", "build-arg:"+name+"="+value)
	}
	took, _, err := r.bench.process(ctx, builder, r.bench.binaries.Buildctl, args...)
	return sample{wall: took}, names[0], err
}

// prepareOriginal writes what prep_build_folder writes: the code and the Dockerfile; beside them, what the steps need here.
func (r *release) prepareOriginal(ctx context.Context, dir, base string, from origin) error {
	for _, name := range []string{"openhands", "microagents"} {
		if err := os.CopyFS(filepath.Join(dir, "code", name), os.DirFS(filepath.Join(r.dir, name))); err != nil {
			return err
		}
	}
	for _, name := range []string{"pyproject.toml", "poetry.lock"} {
		data, err := os.ReadFile(filepath.Join(r.dir, name))
		if err != nil {
			return err
		}
		if err := writeSource(filepath.Join(dir, "code", name), string(data)); err != nil {
			return err
		}
	}
	authorities, err := os.ReadFile(trust.HostBundle())
	if err != nil {
		return err
	}
	if err := errors.Join(writeMirrorPlugin(filepath.Join(dir, "here")), writeSource(filepath.Join(dir, "here", "ca.pem"), string(authorities))); err != nil {
		return err
	}
	text, err := r.template(ctx, base, from)
	if err != nil {
		return err
	}
	return writeSource(filepath.Join(dir, "Dockerfile"), text)
}

// render renders a Jinja template of a directory with JSON values.
const render = `import json, sys, jinja2
environment = jinja2.Environment(loader=jinja2.FileSystemLoader(sys.argv[1]))
print(environment.get_template("Dockerfile.j2").render(**json.loads(sys.argv[2])))`

// template renders the original's template as _generate_dockerfile does, and gives it the addresses of this network.
func (r *release) template(ctx context.Context, base string, from origin) (string, error) {
	tree, err := releases.OpenHands(ctx)
	if err != nil {
		return "", err
	}
	values, err := json.Marshal(map[string]any{
		"base_image": base, "build_from_scratch": from.scratch, "build_from_versioned": from.versioned, "extra_deps": "", "enable_browser": true,
	})
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "/usr/bin/python3", "-c", render, filepath.Join(tree, "openhands/runtime/utils/runtime_templates"), string(values)).Output()
	if err != nil {
		return "", fmt.Errorf("rendering the original's template: %w", err)
	}
	text := string(out)
	replacements, err := r.replacements()
	if err != nil {
		return "", err
	}
	for _, pair := range replacements {
		if from.scratch && !strings.Contains(text, pair[0]) {
			return "", fmt.Errorf("the original's template has no %q", pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text, nil
}

// replacements are what differs in the template's text: addresses, the version of Python that the stand-in for conda-forge has, and the
// way to the index. Debian's images on Docker Hub do not wait for the disk after each file, and neither does this base then.
func (r *release) replacements() ([][2]string, error) {
	runtimeFile, err := profile.Load(os.DirFS(r.dir), profile.Options{})
	if err != nil {
		return nil, err
	}
	addresses := maps.Clone(runtimeFile.Mirrors)
	if addresses[llb.PyPI] == "" {
		addresses[llb.PyPI] = llb.PyPI + ":443" // not PyPI by its name, so that Poetry uses the simple index alone, as ours does
	}
	mirrors, err := json.Marshal(addresses)
	if err != nil {
		return nil, err
	}
	tool := func(name string) string {
		release, _ := runtimeFile.Release(name, "")
		return runtimeFile.Mirrored(release.Address(runtime.GOARCH))
	}
	const (
		micromamba = "/openhands/micromamba/bin/micromamba"
		mount      = "--mount=type=bind,source=here,target=/run/here"
		poetry     = "export PYTHONPATH=/run/here RTBUILD_MIRRORS='%s' SSL_CERT_FILE=/run/here/ca.pem REQUESTS_CA_BUNDLE=/run/here/ca.pem PIP_CERT=/run/here/ca.pem && "
	)
	return [][2]string{
		{"# Install base system dependencies\n", "RUN echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/docker-apt-speedup\n"},
		{`curl -LsSf https://astral.sh/uv/install.sh | env UV_INSTALL_DIR="/openhands/bin" sh`,
			"mkdir -p /openhands/bin && curl -fsSL " + tool("uv") + " | tar -xz --strip-components 1 -C /openhands/bin"},
		{"download.docker.com/linux/debian bookworm stable", "download.docker.com/linux/debian trixie stable"},
		{"https://download.docker.com/linux/debian/gpg", tool("docker-apt-key")},
		{"https://download.docker.com/linux/debian", runtimeFile.Mirrored(llb.DockerDownloads + "/linux/debian")},
		{`/bin/bash -c "PREFIX_LOCATION=/openhands/micromamba BIN_FOLDER=/openhands/micromamba/bin INIT_YES=no CONDA_FORGE_YES=yes $(curl -L https://micro.mamba.pm/install.sh)"`,
			"curl -fsSL " + tool("micromamba") + " -o " + micromamba + " && chmod 755 " + micromamba +
				" && " + micromamba + " config append channels conda-forge && " + micromamba + " config append channels defaults"},
		{"-c conda-forge poetry python=3.12", "--override-channels -c " + runtimeFile.Mirrored(llb.Sites()["conda-forge"].Addresses[0]) + " poetry python=" + releases.Python},
		{"poetry env use python3.12", "poetry env use python" + releases.Python},
		{"RUN \\\n    " + micromamba + " config set changeps1 False", "RUN " + mount + " " + fmt.Sprintf(poetry, mirrors) + "\\\n    " + micromamba + " config set changeps1 False"},
		{"export PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers && \\\n    mkdir",
			"export PLAYWRIGHT_BROWSERS_PATH=/opt/playwright-browsers PLAYWRIGHT_DOWNLOAD_HOST=" + runtimeFile.Mirrored(llb.Sites()["playwright"].Addresses[0]) + " && \\\n    mkdir"},
		{"https://github.com/${RELEASE_ORG}/", runtimeFile.Mirrored("https://github.com/") + "${RELEASE_ORG}/"},
	}, nil
}
