package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Buildx runs docker buildx on a test builder. It uses neither a Docker engine nor the user's settings.
type Buildx struct {
	Binary  string
	Dir     string   // HOME and DOCKER_CONFIG; Registry.Login takes it
	Builder string   // the builder's name
	Env     []string // more of Command's environment
}

// NewBuildx registers the buildkitd at addr as a builder, with settings in dir, which must be empty or missing. Options are those
// of buildx's remote driver: cacert=FILE, cert=FILE, key=FILE, servername=NAME.
func NewBuildx(binary, dir, addr string, options ...string) (*Buildx, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	b := &Buildx{Binary: binary, Dir: dir, Builder: "testenv"}
	args := []string{"create", "--name", b.Builder, "--driver", "remote"}
	for _, option := range options {
		args = append(args, "--driver-opt", option)
	}
	if err := run(b.Command(context.Background(), append(args, addr)...)); err != nil {
		return nil, fmt.Errorf("making %s a builder of buildx: %w", addr, err)
	}
	return b, nil
}

// Command returns a buildx command for the caller to run: "build", "bake", "imagetools" and so on.
func (b *Buildx) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.Binary, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "BUILDX_") || strings.HasPrefix(variable, "BUILDKIT_") ||
			strings.HasPrefix(variable, "DOCKER_") || strings.HasPrefix(variable, "SOURCE_DATE_EPOCH=")
	})
	cmd.Env = append(cmd.Env, "HOME="+b.Dir, "DOCKER_CONFIG="+b.Dir, "BUILDX_CONFIG="+filepath.Join(b.Dir, "buildx"),
		"BUILDX_BUILDER="+b.Builder)
	cmd.Env = append(cmd.Env, b.Env...)
	return cmd
}
