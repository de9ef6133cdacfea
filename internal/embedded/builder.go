package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Limits for buildkitd's start and stop. A start takes less than a second, unless the machine is very busy. A stop waits for
// steps that are cancelled.
const (
	startLimit = time.Minute
	stopLimit  = 10 * time.Second
)

// builder is the private buildkitd. It starts when the first client asks for it.
type builder struct {
	home   *home
	host   *host
	opt    Options
	notice func(string) // called when buildkitd dies

	starting sync.Mutex // held while buildkitd starts or stops
	mu       sync.Mutex // guards the fields below
	child    *child
	trust    Trust           // of child
	users    map[*peer]Trust // the clients that have asked for the builder
	left     chan struct{}   // closed, and replaced, when one of them leaves
	stopped  bool
}

func newBuilder(h *home, opt Options, notice func(string)) *builder {
	return &builder{home: h, host: currentHost(), opt: opt, notice: notice, users: map[*peer]Trust{}, left: make(chan struct{})}
}

func (b *builder) address() string { return "unix://" + filepath.Join(b.home.run, "buildkitd.sock") }

// running returns the address of buildkitd if it runs, else "".
func (b *builder) running() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.child == nil {
		return ""
	}
	return b.address()
}

// start returns the address of buildkitd when it is ready. It starts buildkitd unless it runs. It restarts one with another
// trust, unless other clients need that.
func (b *builder) start(ctx context.Context, client *peer, trust Trust) (string, error) {
	b.starting.Lock()
	defer b.starting.Unlock()
	fits, err := b.waitForFit(ctx, client, trust)
	if err != nil {
		return "", err
	}
	if fits {
		return b.address(), nil
	}
	b.stopChild(graceful)
	if err := missing(b.host.needs(b.opt)); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("buildkitd was not ready within %s", startLimit))
	defer cancel()
	c, err := b.launch(ctx, trust)
	if err != nil {
		return "", fmt.Errorf("starting the private buildkitd: %w; its log is %s%s", err, b.home.builderLog(), tail(b.home.builderLog()))
	}
	b.mu.Lock()
	b.child, b.trust = c, trust
	b.mu.Unlock()
	go b.watch(c)
	return b.address(), nil
}

// launch starts buildkitd and waits until it is ready.
func (b *builder) launch(ctx context.Context, trust Trust) (*child, error) {
	// An earlier buildkitd that was killed with its daemon may not have ended yet.
	if err := waitUnlocked(ctx, filepath.Join(b.home.builderRoot(), "buildkitd.lock")); err != nil {
		return nil, fmt.Errorf("waiting for an earlier buildkitd to end: %w", err)
	}
	ready, err := newReadiness(filepath.Join(b.home.run, "notify.sock"))
	if err != nil {
		return nil, err
	}
	defer ready.close()
	log, err := newLog(b.home.builderLog())
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd, err := b.command(trust)
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+ready.path)
	c, err := startChild(cmd)
	if err != nil {
		return nil, err
	}
	select {
	case <-ready.serving:
		return c, nil
	case <-c.done:
		return nil, fmt.Errorf("it ended before it was ready (%v): %w", c.err, ErrBuilderDied) //nolint:errorlint // nil if it exited with 0
	case <-ctx.Done():
		c.stop(quick.builder) // no steps run yet
		return nil, context.Cause(ctx)
	}
}

// command writes buildkitd's configuration, and returns the command that runs it on this machine.
func (b *builder) command(trust Trust) (*exec.Cmd, error) {
	config := filepath.Join(b.home.state, "buildkitd.toml")
	if err := os.MkdirAll(b.home.builderRoot(), 0o700); err != nil {
		return nil, err
	}
	text, err := b.config(trust)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	argv := []string{b.host.buildkitd(b.opt), "--config", config}
	if b.host.uid != 0 {
		rootless := []string{b.host.program("rootlesskit"), "--net=host", "--state-dir=" + filepath.Join(b.home.run, "rootlesskit")}
		argv = append(rootless, argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	// Without root, runc keeps its state below XDG_RUNTIME_DIR. Debian installs runc in a directory that is only in root's PATH.
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+b.home.run, "PATH="+strings.Join(b.host.path, ":"), runcEnv+"="+b.host.program("runc"))
	if trust.CAFile != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+trust.CAFile)
	}
	return cmd, nil
}

// watch reports when buildkitd ends by itself. The next request starts it again.
func (b *builder) watch(c *child) {
	<-c.done
	b.mu.Lock()
	died := b.child == c
	if died {
		b.child = nil
	}
	b.mu.Unlock()
	if died {
		b.notice(fmt.Sprintf("the private buildkitd died (%v); its log is %s%s", c.err, b.home.builderLog(), tail(b.home.builderLog())))
	}
}

// stop stops buildkitd and does not let it start again.
func (b *builder) stop(e ending) {
	b.starting.Lock()
	defer b.starting.Unlock()
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.stopChild(e)
}

// stopChild stops buildkitd if it runs.
func (b *builder) stopChild(e ending) {
	b.mu.Lock()
	c := b.child
	b.child = nil // so watch does not report it
	b.mu.Unlock()
	if c != nil {
		if e.kill {
			defer keepKillingSteps(c.pid)()
		}
		waitForSteps(b.home.builderRoot(), e.steps)
		c.stop(e.builder)
	}
}

// stepLimit is how long the steps of cancelled solves may take to end.
const stepLimit = 5 * time.Second

// waitForSteps waits until no container runs, but not longer than limit: a buildkitd that stops during a step leaves the step running
// and its mounts behind. Each container has a directory in its worker's executor directory, which is removed when it has ended.
func waitForSteps(root string, limit time.Duration) {
	end := time.After(limit)
	executors, _ := filepath.Glob(filepath.Join(root, "*", "executor"))
	removed, failed, stop := watch(executors)
	defer stop()
	for slices.ContainsFunc(executors, runsStep) {
		select {
		case <-removed:
		case <-failed: // an event may have been lost
		case <-end:
			return
		}
	}
}

// watch returns the events of directories. No events come if the system cannot watch more directories.
func watch(dirs []string) (<-chan fsnotify.Event, <-chan error, func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, func() {}
	}
	for _, dir := range dirs {
		_ = watcher.Add(dir)
	}
	return watcher.Events, watcher.Errors, func() { _ = watcher.Close() }
}

// runsStep reports whether a container has a directory in an executor directory.
func runsStep(executor string) bool {
	entries, _ := os.ReadDir(executor)
	return slices.ContainsFunc(entries, os.DirEntry.IsDir)
}

// readiness waits for buildkitd to be ready, by systemd's notification protocol.
type readiness struct {
	path    string
	conn    *net.UnixConn
	serving chan struct{}
}

func newReadiness(path string) (*readiness, error) {
	_ = os.Remove(path)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	r := &readiness{path: path, conn: conn, serving: make(chan struct{})}
	go r.read()
	return r, nil
}

func (r *readiness) read() {
	buf := make([]byte, 1024)
	for {
		n, err := r.conn.Read(buf)
		if err != nil {
			return
		}
		if strings.Contains(string(buf[:n]), "READY=1") {
			close(r.serving)
			return
		}
	}
}

func (r *readiness) close() {
	_ = r.conn.Close()
	_ = os.Remove(r.path)
}
