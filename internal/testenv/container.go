package testenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/moby/sys/user"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	runtimespec "github.com/opencontainers/runtime-spec/specs-go"
)

// Container is a container of runc on the host's network.
type Container struct {
	id     string
	cmd    *exec.Cmd
	output printed
	done   chan struct{} // closed when the process has ended
	err    error         // of the process, after done
}

// printed collects output, and tells when there is more.
type printed struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed when more arrives
}

// Write implements io.Writer.
func (p *printed) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more != nil {
		close(p.more)
		p.more = nil
	}
	return p.text.Write(data)
}

// now returns the output so far, and a channel that closes when more arrives.
func (p *printed) now() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.more == nil {
		p.more = make(chan struct{})
	}
	return p.text.String(), p.more
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
	// The bundles of one test have its directory in common, those of several tests their base name.
	id := "rtbuild-" + strconv.Itoa(os.Getpid()) + "-" + filepath.Base(filepath.Dir(bundle)) + "-" + filepath.Base(bundle)
	c := &Container{id: id, cmd: exec.CommandContext(ctx, "runc", "run", "--bundle", bundle, id), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.done)
		c.err = c.cmd.Wait()
	}()
	return c, nil
}

var listens = regexp.MustCompile(`listen(?:s|ing) on ([0-9.]+:[0-9]+)\n`)

// Listens waits until the container prints "listens on" or "listening on" with an address, and returns the address.
func (c *Container) Listens(ctx context.Context) (address string, err error) {
	for {
		text, more := c.output.now()
		if match := listens.FindStringSubmatch(text); match != nil {
			return match[1], nil
		}
		select {
		case <-more:
		case <-c.done:
			return "", fmt.Errorf("the container ended before it listened: %w", errors.Join(c.err, errors.New(text)))
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// dockerCapabilities are the capabilities of Docker's containers. sudo and su need some of them.
var dockerCapabilities = []string{
	"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE",
	"CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
}

// Wait waits for the container's process to end, and returns its output.
func (c *Container) Wait() (string, error) {
	<-c.done
	text, _ := c.output.now()
	return text, c.err
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
	text, _ := c.Wait() // runc killed it
	return text, err
}
