package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/plan"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/labels"
)

// The directories of code and dependencies in profile node, and their owner.
const (
	codeDir    = "agent/code"
	modulesDir = codeDir + "/node_modules"
	ownerID    = 1000
)

// depsLayers is the number of layers with a deps image's dependencies. It is the same for every size, because each layer costs
// a request.
const depsLayers = 4

// baseImage is the Debian base in the registry.
type baseImage struct {
	ref    string
	digest digest.Digest
	layer  testenv.Blob
}

func baseConfig() ocispecs.Image {
	created := time.Unix(0, 0).UTC()
	return ocispecs.Image{
		Created:  &created,
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config: ocispecs.ImageConfig{
			Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
			Cmd: []string{"bash"},
		},
	}
}

// pushBase pushes the base to the registry.
func (b *bench) pushBase(ctx context.Context) (baseImage, error) {
	layer, err := testenv.Base(ctx)
	if err != nil {
		return baseImage{}, err
	}
	dgst, err := b.registry.PushImage(ctx, "debian", "bookworm", baseConfig(), layer)
	return baseImage{b.registry.Host + "/debian:bookworm", dgst, layer}, err
}

// pushDeps pushes the project's deps image, with dependencies of about total bytes.
func (b *bench) pushDeps(ctx context.Context, p *project, total int64) error {
	b.say("pushing a deps image of %s to the registry", size(total))
	names, err := p.names(ctx)
	if err != nil {
		return err
	}
	users, err := usersLayer()
	if err != nil {
		return err
	}
	layers := []testenv.Blob{b.base.layer, users}
	for i := range depsLayers {
		layer, err := randomLayer(byte(i+1), total/depsLayers)
		if err != nil {
			return err
		}
		layers = append(layers, layer)
	}
	config := baseConfig()
	config.Config.Labels = b.depsLabels(config.Platform)
	_, err = b.registry.PushImage(ctx, strings.TrimPrefix(p.repository, b.registry.Host+"/"), names.Lock, config, layers...)
	return err
}

// depsLabels returns the labels of a valid deps image.
func (b *bench) depsLabels(platform ocispecs.Platform) map[string]string {
	return map[string]string{
		labels.Stage:                       plan.StageDeps,
		labels.Profile:                     "node",
		labels.Platform:                    platform.OS + "/" + platform.Architecture,
		labels.Recipe:                      strconv.Itoa(llb.Recipe),
		labels.UID:                         strconv.Itoa(ownerID),
		labels.GID:                         strconv.Itoa(ownerID),
		labels.ToolsLayers:                 "2",
		ocispecs.AnnotationBaseImageName:   b.base.ref,
		ocispecs.AnnotationBaseImageDigest: b.base.digest.String(),
	}
}

// usersLayer returns a layer with the user agent and its directories, for Dockerfiles that name the user.
func usersLayer() (testenv.Blob, error) {
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	if err := addDirs(archive, codeDir); err != nil {
		return testenv.Blob{}, err
	}
	for _, file := range [][2]string{
		{"etc/passwd", fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\nagent:x:%d:%d::/home/agent:/bin/sh\n", ownerID, ownerID)},
		{"etc/group", fmt.Sprintf("root:x:0:\nagent:x:%d:\n", ownerID)},
	} {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: file[0], Mode: 0o644, Size: int64(len(file[1]))}); err != nil {
			return testenv.Blob{}, err
		}
		if _, err := archive.Write([]byte(file[1])); err != nil {
			return testenv.Blob{}, err
		}
	}
	err := archive.Close()
	return testenv.BytesBlob(ocispecs.MediaTypeImageLayer, data.Bytes()), err
}

// names returns the project's tags, computed by the client.
func (p *project) names(ctx context.Context) (tags.Set, error) {
	var names tags.Set
	_, out, err := p.bench.process(ctx, "", p.bench.binaries.Client, p.args("tags", "--format", "json")...)
	if err != nil {
		return names, err
	}
	return names, json.Unmarshal([]byte(out), &names)
}
