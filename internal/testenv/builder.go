package testenv

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/moby/sys/mount"
)

// Builder is a running buildkitd with its own state.
type Builder struct {
	Addr string // for --addr
	Dir  string // its state

	cmd  *exec.Cmd
	done chan struct{}
	log  logFile
}

// BuilderOptions configures a builder.
type BuilderOptions struct {
	Config string     // further lines of buildkitd.toml
	Listen string     // address; a socket in dir if empty
	Args   []string   // further arguments
	Env    []string   // further environment variables, NAME=VALUE
	Inside *Namespace // network of the builder and its steps; nil means this process's network
}

// StartBuilder starts the buildkitd binary with its state in dir, and returns when it accepts connections.
func StartBuilder(ctx context.Context, binary, dir string, o BuilderOptions) (*Builder, error) {
	config := filepath.Join(dir, "buildkitd.toml")
	// Steps use the host's network, so that the machine needs no CNI plugins.
	text := "[worker.oci]\n  networkMode = \"host\"\n[worker.containerd]\n  enabled = false\n" + o.Config
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	b := &Builder{Addr: o.Listen, Dir: filepath.Join(dir, "root"), done: make(chan struct{})}
	if b.Addr == "" {
		b.Addr = "unix://" + filepath.Join(dir, "buildkitd.sock")
	}
	args := append([]string{"--config", config, "--root", b.Dir, "--addr", b.Addr}, o.Args...)
	b.cmd = exec.CommandContext(ctx, binary, args...)
	b.cmd.Env = append(os.Environ(), o.Env...)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	b.cmd.Cancel = func() error { return b.cmd.Process.Signal(syscall.SIGTERM) }
	stderr, err := b.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	started, serving := make(chan error), make(chan struct{})
	go func() {
		// The kernel sends the death signal when the thread that started the process ends, not when the process does.
		runtime.LockOSThread()
		if o.Inside == nil { // otherwise, the thread must not be reused, and ends with this goroutine
			defer runtime.UnlockOSThread()
		}
		err := o.Inside.enter()
		if err == nil {
			err = b.cmd.Start()
		}
		started <- err
		if err == nil {
			b.watch(stderr, serving)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	select {
	case <-serving:
		return b, nil
	case <-b.done:
		return nil, fmt.Errorf("buildkitd ended before it served:\n%s", b.Log())
	}
}

// watch keeps the log, and tells when the daemon says that it listens.
func (b *Builder) watch(stderr io.Reader, serving chan struct{}) {
	defer close(b.done)
	b.log.follow(bufio.NewScanner(stderr), "running server on", serving)
	_ = b.cmd.Wait()
}

// Log returns the daemon's log so far.
func (b *Builder) Log() string { return b.log.text() }

// Kill kills the daemon.
func (b *Builder) Kill() {
	_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
	<-b.done
}

// Stop stops the daemon and removes its state.
func (b *Builder) Stop() error {
	if err := b.Shutdown(); err != nil {
		return err
	}
	return os.RemoveAll(b.Dir)
}

// Shutdown stops the daemon and leaves its state. It also unmounts what a killed daemon left mounted.
func (b *Builder) Shutdown() error {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	<-b.done
	return mount.RecursiveUnmount(b.Dir)
}
