package testenv

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/moby/sys/mount"
)

// Engine is a running Docker engine with its own state. Its containers have no network of their own: steps and docker run need the
// host's network.
type Engine struct {
	Host string // for DOCKER_HOST

	docker string // the docker command
	dir    string
	cmd    *exec.Cmd
	done   chan struct{}
	log    *logFile
}

// EnginePrograms are the programs of hack/engine, by their names.
type EnginePrograms map[string]string

// enginePackages are the packages of hack/engine.
var enginePackages = []string{
	"github.com/moby/moby/v2/cmd/dockerd", "github.com/containerd/containerd/v2/cmd/containerd",
	"github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", "github.com/docker/cli/cmd/docker",
}

// BuildEngine builds a Docker engine and the docker command from hack/engine. From an empty build cache, that takes three minutes on
// two cores.
func BuildEngine(ctx context.Context) (EnginePrograms, error) {
	programs := EnginePrograms{}
	all := []tool{{
		// Debian's runc is too old for this engine. With seccomp, containers run as they do elsewhere.
		module: "engine", pkg: "github.com/opencontainers/runc", env: []string{"CGO_ENABLED=1", "GOFLAGS=-trimpath -tags=seccomp"},
	}}
	for _, pkg := range enginePackages {
		all = append(all, tool{module: "engine", pkg: pkg})
	}
	for _, t := range all {
		file, err := t.build(ctx)
		if err != nil {
			return nil, err
		}
		programs[filepath.Base(file)] = file
	}
	return programs, nil
}

// path returns a PATH on which the programs come first.
func (p EnginePrograms) path() string {
	var dirs []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		dirs = append(dirs, filepath.Dir(p[name]))
	}
	return strings.Join(append(dirs, os.Getenv("PATH")), string(filepath.ListSeparator))
}

// EngineOptions configures an engine.
type EngineOptions struct {
	OldStore bool // keep images in a graph driver's store, which cannot merge layers, instead of containerd's
}

// StartEngine starts a Docker engine with its state in dir, and returns when it serves.
func StartEngine(ctx context.Context, programs EnginePrograms, dir string, o EngineOptions) (*Engine, error) {
	config := filepath.Join(dir, "daemon.json")
	if err := os.WriteFile(config, engineConfig(o), 0o600); err != nil {
		return nil, err
	}
	e := &Engine{Host: "unix://" + filepath.Join(dir, "docker.sock"), docker: programs["docker"], dir: dir, done: make(chan struct{}), log: &logFile{}}
	e.cmd = exec.CommandContext(ctx, programs["dockerd"], "--config-file", config, "--data-root", filepath.Join(dir, "data"),
		"--exec-root", filepath.Join(dir, "exec"), "--pidfile", filepath.Join(dir, "dockerd.pid"), "-H", e.Host)
	e.cmd.Env = append(os.Environ(), "PATH="+programs.path())
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM} // so that it ends containerd, too
	e.cmd.Cancel = func() error { return e.cmd.Process.Signal(syscall.SIGTERM) }
	return e, e.start()
}

func engineConfig(o EngineOptions) []byte {
	config := map[string]any{
		"features": map[string]bool{"containerd-snapshotter": !o.OldStore},
		"iptables": false, "ip6tables": false, "bridge": "none", "userland-proxy": false,
	}
	if o.OldStore {
		config["storage-driver"] = "vfs"
	}
	text, _ := json.Marshal(config)
	return text
}

// start starts the daemon and waits until it serves.
func (e *Engine) start() error {
	stderr, err := e.cmd.StderrPipe()
	if err != nil {
		return err
	}
	started, serving := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // see StartBuilder
		defer runtime.UnlockOSThread()
		err := e.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		defer close(e.done)
		e.log.follow(bufio.NewScanner(stderr), "API listen on", serving)
		_ = e.cmd.Wait()
	}()
	if err := <-started; err != nil {
		return err
	}
	select {
	case <-serving:
		return nil
	case <-e.done:
		return fmt.Errorf("dockerd ended before it served:\n%s", e.Log())
	}
}

// Log returns the daemon's log so far.
func (e *Engine) Log() string { return e.log.text() }

// Stop stops the engine and removes its state.
func (e *Engine) Stop() error {
	_ = e.cmd.Process.Signal(syscall.SIGTERM)
	<-e.done
	return errors.Join(mount.RecursiveUnmount(e.dir), os.RemoveAll(filepath.Join(e.dir, "data")))
}

// Kill kills the daemon, as a crash would end it. Stop still removes its state.
func (e *Engine) Kill() {
	_ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL)
	<-e.done
}

// Docker runs the docker command on the engine and returns its standard output. It uses no settings of the user.
func (e *Engine) Docker(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, e.docker, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.dir, "DOCKER_CONFIG=" + filepath.Join(e.dir, "config"), "DOCKER_HOST=" + e.Host}
	return output(cmd)
}
