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
)

// Limits of buildkitd's start and stop. Starting takes less than a second, unless the machine is very busy; stopping
// waits for steps that are cancelled.
const (
	startLimit = time.Minute
	stopLimit  = 10 * time.Second
)

// builder is the private buildkitd, which runs once it was asked for.
type builder struct {
	home   *home
	host   *host
	opt    Options
	notice func(string) // called when buildkitd dies

	starting sync.Mutex // held while it starts or stops
	mu       sync.Mutex // guards what follows
	child    *child
	trust    Trust           // that child was started with
	users    map[*peer]Trust // clients that have asked for it
	left     chan struct{}   // closed, and replaced, when one of them goes
	stopped  bool
}

func newBuilder(h *home, opt Options, notice func(string)) *builder {
	return &builder{home: h, host: thisHost(), opt: opt, notice: notice, users: map[*peer]Trust{}, left: make(chan struct{})}
}

func (b *builder) address() string { return "unix://" + filepath.Join(b.home.run, "buildkitd.sock") }

// running is the address of a buildkitd that answers, or "".
func (b *builder) running() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.child == nil {
		return ""
	}
	return b.address()
}

// start gives the address of buildkitd when it answers. It starts it if it does not run, and again if it runs with
// another trust and nobody else needs that.
func (b *builder) start(ctx context.Context, who *peer, trust Trust) (string, error) {
	b.starting.Lock()
	defer b.starting.Unlock()
	fits, err := b.settle(ctx, who, trust)
	if err != nil {
		return "", err
	}
	if fits {
		return b.address(), nil
	}
	b.end(leisurely)
	if err := missing(b.host.needs(b.opt)); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("buildkitd did not answer within %s", startLimit))
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

// launch starts buildkitd and waits until it says that it serves.
func (b *builder) launch(ctx context.Context, trust Trust) (*child, error) {
	// One that was killed with its daemon may not be quite dead.
	if err := waitUnlocked(ctx, filepath.Join(b.home.builderRoot(), "buildkitd.lock")); err != nil {
		return nil, fmt.Errorf("waiting for an earlier one to end: %w", err)
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
		return nil, fmt.Errorf("it ended before it answered (%v): %w", c.err, ErrBuilderDied) //nolint:errorlint // none if it ended well
	case <-ctx.Done():
		c.stop(prompt.builder) // it has nothing to end yet
		return nil, context.Cause(ctx)
	}
}

// command is how buildkitd is run here.
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
	// runc keeps its state below XDG_RUNTIME_DIR if it is not root; Debian has it in a directory that is not in everybody's
	// PATH.
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+b.home.run, "PATH="+strings.Join(b.host.path, ":"), runcEnv+"="+b.host.program("runc"))
	if trust.CAFile != "" {
		cmd.Env = append(cmd.Env, "SSL_CERT_FILE="+trust.CAFile)
	}
	return cmd, nil
}

// watch tells when buildkitd ends by itself. The next request starts it again.
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

// stop ends buildkitd for good.
func (b *builder) stop(e ending) {
	b.starting.Lock()
	defer b.starting.Unlock()
	b.mu.Lock()
	b.stopped = true
	b.mu.Unlock()
	b.end(e)
}

// end stops buildkitd if it runs.
func (b *builder) end(e ending) {
	b.mu.Lock()
	c := b.child
	b.child = nil // nobody is told that it died
	b.mu.Unlock()
	if c != nil {
		if e.kill {
			defer hurry(c.pid)()
		}
		waitForSteps(b.home.builderRoot(), e.steps)
		c.stop(e.builder)
	}
}

// stepLimit is how long steps of cancelled solves may take to end, and stepPoll how often they are looked for.
const (
	stepLimit = 5 * time.Second
	stepPoll  = 50 * time.Millisecond
)

// waitForSteps waits until no container runs: a buildkitd that ends in the middle of a step leaves it running, and its
// mounts behind. Each has a directory below its worker's executor; nothing tells when it goes.
func waitForSteps(root string, limit time.Duration) {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		steps, _ := filepath.Glob(filepath.Join(root, "*", "executor", "*"))
		if !slices.ContainsFunc(steps, isDirectory) {
			return
		}
		time.Sleep(stepPoll)
	}
}

func isDirectory(name string) bool {
	fi, err := os.Stat(name)
	return err == nil && fi.IsDir()
}

// readiness hears when buildkitd serves, by systemd's notification protocol.
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
