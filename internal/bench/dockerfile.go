package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Dockerfiles that add the project's source to its deps image, %s. The original's has the steps of OpenHands' template. The
// best one runs no step and links its layer, so BuildKit does not pull the deps image.
const (
	originalDockerfile = `FROM %s
RUN if [ -d /agent/code/src ]; then rm -rf /agent/code/src; fi
COPY --chown=agent:agent . /agent/code/
RUN chmod a+rwx /agent/code/src/000.js
`
	bestDockerfile = `FROM %s
COPY --link --chown=1000:1000 . /agent/code/
`
)

// dockerfile is a project's Dockerfile, in its own directory.
type dockerfile struct {
	project *project
	dir     string
	image   string // reference of the image that it builds
}

func (p *project) dockerfile(ctx context.Context, name, text string) (*dockerfile, error) {
	names, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	d := &dockerfile{p, filepath.Join(p.bench.dir, "dockerfile-"+name), p.repository + ":" + name}
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		return nil, err
	}
	return d, writeSource(filepath.Join(d.dir, "Dockerfile"), fmt.Sprintf(text, names.Images.Lock))
}

// build runs buildctl, and returns the time that it takes.
func (d *dockerfile) build(ctx context.Context, builder string) (time.Duration, error) {
	wall, _, err := d.project.bench.process(ctx, builder, d.project.bench.binaries.Buildctl, "build", "--progress", "plain",
		"--frontend", "dockerfile.v0", "--local", "context="+d.project.dir, "--local", "dockerfile="+d.dir,
		"--output", "type=image,name="+d.image+",push=true")
	return wall, err
}
