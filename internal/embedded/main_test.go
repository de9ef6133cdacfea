package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// The roles of the test binary when a test starts it as another process.
const (
	asDaemon = "serve"  // the background daemon
	asClient = "client" // a client that holds a lease until it is killed
	asBuild  = "build"  // a client that builds something
	asServe  = "byhand" // a daemon in the foreground
	asThief  = "thief"  // another user, without the right to write
)

// testLimit ends a test that hangs. No test needs nearly as long.
const testLimit = 2 * time.Minute

func TestMain(m *testing.M) {
	if IsRunc() {
		fmt.Fprintln(os.Stderr, Runc())
		os.Exit(1)
	}
	if len(os.Args) < 2 {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	opt := Options{
		Command: []string{self(), asDaemon}, Handler: realRegistry, UntilIdle: true,
		Log: func(line string) { fmt.Fprintln(os.Stderr, line) },
	}
	var err error
	switch os.Args[1] {
	case asDaemon:
		err = Serve(ctx, opt)
	case asServe:
		opt.UntilIdle = false
		err = Serve(ctx, opt)
	case asClient:
		err = holdLease(ctx, opt)
	case asThief:
		steal(os.Args[2], os.Args[3], os.Args[4])
	case asBuild:
		err = acquireAndBuild(ctx, opt, os.Args[2])
	default:
		os.Exit(m.Run())
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

func self() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// holdLease takes a lease, prints the registry's address, and waits to be killed.
func holdLease(ctx context.Context, opt Options) error {
	l, err := Acquire(ctx, opt)
	if err != nil {
		return err
	}
	fmt.Println(l.Registry())
	<-ctx.Done()
	return l.Close()
}

// steal tries to read the token, join the daemon, write to the registry and read it. It prints the results.
func steal(token, socket, registry string) {
	_, err := os.ReadFile(token)
	fmt.Println("token:", errors.Unwrap(err))
	conn, err := net.Dial("unix", socket)
	if err == nil {
		_ = conn.Close()
	}
	var cause syscall.Errno
	errors.As(err, &cause)
	fmt.Println("socket:", cause)
	if res, err := http.Post("http://"+registry+"/v2/x/blobs/uploads/", "", nil); err == nil {
		fmt.Println("write:", res.StatusCode)
	}
	if res, err := http.Get("http://" + registry + "/v2/_catalog"); err == nil {
		fmt.Println("read:", res.StatusCode)
	}
}

// realRegistry returns distribution's registry, as the client does.
func realRegistry(ctx context.Context, root string) (http.Handler, error) {
	config := &configuration.Configuration{Storage: configuration.Storage{
		"filesystem": configuration.Parameters{"rootdirectory": root},
		"delete":     configuration.Parameters{"enabled": true},
	}}
	config.HTTP.Secret = "of this process"
	return handlers.NewApp(ctx, config), nil
}

// lines collects log lines. A test can wait for one.
type lines struct {
	mu   sync.Mutex
	all  []string
	more chan struct{} // closed and replaced by each line
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, line)
	close(l.more)
	l.more = make(chan struct{})
}

// wait returns the first line that contains the text.
func (l *lines) wait(ctx context.Context, t *testing.T, text string) string {
	t.Helper()
	for {
		l.mu.Lock()
		for _, line := range l.all {
			if strings.Contains(line, text) {
				l.mu.Unlock()
				return line
			}
		}
		more := l.more
		l.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			t.Fatalf("no line with %q in %q", text, l.all)
		}
	}
}

// site is the home of one test.
type site struct {
	opt  Options
	home *home
	log  *lines
}

// newSite makes a home. Its daemon must end before the test does.
func newSite(t *testing.T) (context.Context, *site) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testLimit)
	t.Cleanup(cancel)
	s := &site{log: newLines()}
	s.opt = Options{Dir: t.TempDir(), Port: freePort(t), Command: []string{self(), asDaemon}, Handler: realRegistry, Log: s.log.add}
	h, err := newHome(s.opt)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.make(); err != nil {
		t.Fatal(err)
	}
	s.home = h
	t.Cleanup(func() {
		s.waitStopped(ctx, t)
		_ = os.RemoveAll(h.run) // outside the test's directory if its path is long
	})
	return ctx, s
}

// waitStopped waits until no daemon runs, and checks that it has left nothing behind.
func (s *site) waitStopped(ctx context.Context, t *testing.T) {
	t.Helper()
	life, err := takeLock(ctx, s.home.daemonLock())
	if err != nil {
		t.Fatalf("a daemon still lives: %v%s", err, tail(s.home.daemonLog()))
	}
	life.release()
	listener, err := net.Listen("tcp", s.home.registry())
	if err != nil {
		t.Fatalf("its port is not free: %v", err)
	}
	_ = listener.Close()
}

func (s *site) acquire(ctx context.Context, t *testing.T) *Lease {
	t.Helper()
	l, err := Acquire(ctx, s.opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// client starts another process that holds a lease.
func (s *site) client(ctx context.Context, t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, self(), asClient)
	cmd.Env = append(os.Environ(), HomeEnv+"="+s.opt.Dir, fmt.Sprintf("%s=%d", PortEnv, s.opt.Port))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the other client got no lease: %v", err)
	}
	return cmd
}

// answers checks that a registry responds.
func answers(t *testing.T, registry string) {
	t.Helper()
	res, err := http.Get("http://" + registry + "/v2/_catalog")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("the registry answered %s", res.Status)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// buildkitd is the real program: the one that the environment names, or the one that rtbuild installs.
var buildkitd = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(BuildkitdEnv); path != "" {
		return path, nil
	}
	return testenv.Buildkitd(context.Background())
})

func needBuildkitd(t *testing.T) string {
	t.Helper()
	path, err := buildkitd()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// copyFile copies a program, and makes it readable for all users.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}
