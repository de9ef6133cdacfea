package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/moby/sys/user"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
)

// Container is a container of runc on the host's network.
type Container struct {
	id     string
	cmd    *exec.Cmd
	output bytes.Buffer
}

// Run starts an image's command with the config's entrypoint, environment, user and working directory. rootfs is the image's
// unpacked file system, bundle an empty directory.
func Run(ctx context.Context, bundle, rootfs string, config ocispecs.ImageConfig, env ...string) (*Container, error) {
	spec, err := containerSpec(ctx, bundle)
	if err != nil {
		return nil, err
	}
	who, err := user.GetExecUserPath(config.User, nil, filepath.Join(rootfs, "etc/passwd"), filepath.Join(rootfs, "etc/group"))
	if err != nil {
		return nil, err
	}
	spec.Root = &runtimespec.Root{Path: rootfs}
	spec.Process.Terminal = false
	spec.Process.NoNewPrivileges = false
	spec.Process.Capabilities = &runtimespec.LinuxCapabilities{
		Bounding: dockerCapabilities, Effective: dockerCapabilities, Permitted: dockerCapabilities,
	}
	spec.Process.Args = slices.Concat(config.Entrypoint, config.Cmd)
	spec.Process.Env = slices.Concat(config.Env, []string{"HOME=" + who.Home}, env)
	spec.Process.Cwd = config.WorkingDir
	spec.Process.User = runtimespec.User{UID: uint32(who.Uid), GID: uint32(who.Gid)}
	spec.Linux.Namespaces = slices.DeleteFunc(spec.Linux.Namespaces, func(n runtimespec.LinuxNamespace) bool {
		return n.Type == runtimespec.NetworkNamespace
	})
	data, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), data, 0o600); err != nil {
		return nil, err
	}
	c := &Container{id: "rtbuild-" + strconv.Itoa(os.Getpid()) + "-" + filepath.Base(bundle)}
	c.cmd = exec.CommandContext(ctx, "runc", "run", "--bundle", bundle, c.id)
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	return c, c.cmd.Start()
}

// dockerCapabilities are the capabilities of Docker's containers. sudo and su need some of them.
var dockerCapabilities = []string{
	"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE",
	"CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// Wait waits for the container's process to end, and returns its output.
func (c *Container) Wait() (string, error) {
	err := c.cmd.Wait()
	return c.output.String(), err
}

func containerSpec(ctx context.Context, bundle string) (*runtimespec.Spec, error) {
	if err := command(ctx, "runc", "spec", "--bundle", bundle); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(bundle, "config.json"))
	if err != nil {
		return nil, err
	}
	var spec runtimespec.Spec
	return &spec, json.Unmarshal(data, &spec)
}

// Stop stops the container, and returns its output.
func (c *Container) Stop() (string, error) {
	out, err := exec.Command("runc", "delete", "--force", c.id).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("runc delete: %w: %s", err, out)
	}
	_ = c.cmd.Wait()
	return c.output.String(), err
}
