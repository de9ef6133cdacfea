package solve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"strings"

	"github.com/moby/buildkit/client"

	"github.com/rtbuild/rtbuild/tags"
)

// LoadExport returns an export that loads the image into the Docker engine, as docker buildx build --load does. It is an error if
// there is no docker command.
func LoadExport(ctx context.Context, name string) (Export, error) {
	if _, err := exec.LookPath("docker"); err != nil {
		return Export{}, fmt.Errorf("--load needs the docker command: %w", err)
	}
	load := &dockerLoad{ctx: ctx}
	return Export{
		ExportEntry: client.ExportEntry{Type: client.ExporterDocker, Attrs: map[string]string{"name": name}, Output: load.open},
		loads:       true,
		commit:      load.wait,
		abort:       load.stop,
	}, nil
}

// Loads returns the exports for this builder: a Docker engine stores an image itself, so that docker need not load it. Names of images get
// their full form, because the engine takes them as they are and finds no others.
func (b *Builder) Loads(exports []Export) []Export {
	if b.Engine == nil {
		return exports
	}
	var all []Export
	for _, e := range exports {
		if e.loads {
			stored := StoreExport(e.Attrs["name"])
			stored.kind = e.Kind()
			e = stored.WithCompression(e.Compression())
		}
		if e.IsImage() {
			e.Attrs = maps.Clone(e.Attrs)
			e.Attrs["name"] = fullNames(e.Attrs["name"])
		}
		all = append(all, e)
	}
	return all
}

// fullNames returns names in their full form. The builder refuses those that are none.
func fullNames(names string) string {
	var all []string
	for _, name := range strings.Split(names, ",") {
		if full, err := tags.FullName(name); err == nil {
			name = full
		}
		all = append(all, name)
	}
	return strings.Join(all, ",")
}

// dockerLoad is a running docker load.
type dockerLoad struct {
	ctx    context.Context // of the command: the session's callbacks get none
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

func (l *dockerLoad) open(map[string]string) (io.WriteCloser, error) {
	l.stderr.Reset()
	l.cmd = exec.CommandContext(l.ctx, "docker", "load", "--quiet")
	l.cmd.Stderr = &l.stderr
	in, err := l.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return in, l.cmd.Start()
}

func (l *dockerLoad) wait() error {
	if err := l.cmd.Wait(); err != nil {
		return fmt.Errorf("docker load: %s: %w", strings.TrimSpace(l.stderr.String()), err)
	}
	return nil
}

func (l *dockerLoad) stop() {
	if l.cmd != nil && l.cmd.ProcessState == nil && l.cmd.Process != nil {
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
	}
}
