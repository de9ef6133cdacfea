package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sirupsen/logrus"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

// asClient makes the test binary the client.
const asClient = "RTBUILD_TEST_AS_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(asClient) != "" {
		main()
	}
	logrus.SetLevel(logrus.PanicLevel) // distribution logs every request
	os.Exit(m.Run())
}

// signalLimit is how long the first signal may take to end a command, and hangs how long a test waits for what must happen.
const (
	signalLimit = 2 * time.Second
	hangs       = time.Minute
)

// interrupted starts the client, sends it one signal when it waits, and returns its exit code, its output, and how long it took to
// end.
func interrupted(t *testing.T, waits <-chan struct{}, sig os.Signal, env []string, args ...string) (code int, said string, took time.Duration) {
	t.Helper()
	var out strings.Builder
	code, took = signaled(t, waits, []os.Signal{sig}, &out, env, args...)
	return code, out.String(), took
}

// signaled starts the client, sends it signals when it waits, and returns its exit code and how long it took to end.
func signaled(t *testing.T, waits <-chan struct{}, signals []os.Signal, out io.Writer, env []string, args ...string) (code int, took time.Duration) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), hangs)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), append(env, asClient+"=1")...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second // a program that the client has left behind holds its output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-waits:
	case err := <-ended:
		t.Fatalf("it ended before it waited: %v\n%s", err, out)
	case <-ctx.Done():
		t.Fatal("it never waited")
	}
	asked := time.Now()
	for _, sig := range signals {
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	err = <-ended
	took = time.Since(asked)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return code, took
}

// fullPipe returns a full pipe that nobody reads.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = reader.Close(), writer.Close() })
	size, err := unix.FcntlInt(writer.Fd(), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	return writer
}

// TestSignalsEndACommandWhoseOutputNobodyReads: the command ends although its last message cannot be written.
func TestSignalsEndACommandWhoseOutputNobodyReads(t *testing.T) {
	project := filetree.Files{"package.json": "{}", "package-lock.json": "{}", "index.js": ""}.Write(t, t.TempDir())
	for _, test := range []struct {
		name    string
		signals []os.Signal
		want    int
	}{
		{"one signal", []os.Signal{syscall.SIGTERM}, exitBuild},
		{"two signals", []os.Signal{os.Interrupt, syscall.SIGTERM}, exitNow},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, asked := silent(t)
			code, took := signaled(t, asked, test.signals, fullPipe(t), []string{"DOCKER_CONFIG=" + t.TempDir()},
				"plan", project, "--base-image", address+"/a:1", "--repository", address+"/b")
			if code != test.want || took > signalLimit {
				t.Errorf("exit code %d after %s", code, took)
			}
		})
	}
}

// silent is a server that accepts requests and never responds. It reports its first request.
func silent(t *testing.T) (address string, asked <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener.Addr().String(), deaf(t, listener)
}

func silentSocket(t *testing.T) (address string, asked <-chan struct{}) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "buildkitd.sock")
	listener, err := net.Listen("unix", file)
	if err != nil {
		t.Fatal(err)
	}
	return "unix://" + file, deaf(t, listener)
}

func deaf(t *testing.T, listener net.Listener) <-chan struct{} {
	asked := make(chan struct{}, 100)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go func() {
				if _, err := bufio.NewReader(conn).ReadByte(); err == nil {
					asked <- struct{}{}
				}
			}()
		}
	}()
	return asked
}

// helper is a credential helper that never responds, and ignores signals. It reports its first run.
func helper(t *testing.T) (env []string, asked <-chan struct{}) {
	t.Helper()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "asked")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("#!/bin/sh\ntrap '' INT TERM\necho $$ > %s\nexec sleep 1000 >/dev/null 2>&1\n", pipe)
	for name, content := range map[string]string{"docker-credential-slow": script, "config.json": `{"credsStore": "slow"}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	called := make(chan struct{}, 1)
	go func() {
		data, err := os.ReadFile(pipe)
		var pid int
		if _, scan := fmt.Sscan(string(data), &pid); err != nil || scan != nil {
			return
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
		called <- struct{}{}
	}()
	return []string{"DOCKER_CONFIG=" + dir, "PATH=" + dir + ":" + os.Getenv("PATH")}, called
}

// TestTheFirstSignalEndsEveryCommand interrupts commands that wait for something that never comes. They end within 2 s of the first
// signal, with the exit code of Ctrl-C.
func TestTheFirstSignalEndsEveryCommand(t *testing.T) {
	project := filetree.Files{"package.json": "{}", "package-lock.json": "{}", "index.js": ""}.Write(t, t.TempDir())
	home := []string{"DOCKER_CONFIG=" + t.TempDir(), embedded.HomeEnv + "=" + t.TempDir(), fmt.Sprintf("%s=%d", embedded.PortEnv, freePort(t)), "BUILDKIT_HOST="}
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer refusing.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	tests := []struct {
		name string
		env  func(t *testing.T) (env, args []string, waits <-chan struct{})
	}{
		{"plan, a registry that never answers", func(t *testing.T) ([]string, []string, <-chan struct{}) {
			address, asked := silent(t)
			return nil, []string{"plan", project, "--base-image", address + "/a:1", "--repository", address + "/b"}, asked
		}},
		{"diff, a registry that never answers", func(t *testing.T) ([]string, []string, <-chan struct{}) {
			address, asked := silent(t)
			return nil, []string{"diff", address + "/a:1", address + "/a:2"}, asked
		}},
		{"doctor, a builder that never answers", func(t *testing.T) ([]string, []string, <-chan struct{}) {
			address, asked := silentSocket(t)
			return nil, []string{"doctor", "--addr", address}, asked
		}},
		{"solve, a builder that never answers", func(t *testing.T) ([]string, []string, <-chan struct{}) {
			address, asked := silentSocket(t)
			host := empty.Listener.Addr().String()
			return nil, []string{"solve", project, "--base-image", host + "/a:1", "--addr", address, "--repository", host + "/b", "-o", filepath.Join(project, "out")}, asked
		}},
		{"plan, a credential helper that never answers", func(t *testing.T) ([]string, []string, <-chan struct{}) {
			env, asked := helper(t)
			host := refusing.Listener.Addr().String()
			return env, []string{"plan", project, "--base-image", host + "/a:1", "--repository", host + "/b"}, asked
		}},
	}
	for _, test := range tests {
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(fmt.Sprintf("%s, %s", test.name, sig), func(t *testing.T) {
				env, args, waits := test.env(t)
				code, said, took := interrupted(t, waits, sig, append(home, env...), args...)
				if code != exitBuild || took > signalLimit || !strings.Contains(said, "ERROR: canceled") {
					t.Errorf("exit code %d after %s\n%s", code, took, said)
				}
			})
		}
	}
}

// TestAwait checks the exit code after a command's end and after signals.
func TestAwait(t *testing.T) {
	failed := withCode(exitRegistry, errors.New("x"))
	tests := []struct {
		name    string
		signals int
		hears   bool // the command ends when it is canceled
		err     error
		want    int
	}{
		{"done", 0, false, nil, 0}, {"failed", 0, false, failed, exitRegistry}, {"canceled", 1, true, failed, exitBuild}, {"done in spite of it", 1, true, nil, 0},
		{"does not hear", 1, false, nil, exitBuild}, {"does not hear, twice", 2, false, nil, exitNow},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			signals, done := make(chan os.Signal, 2), make(chan error, 1)
			for range test.signals {
				signals <- os.Interrupt
			}
			if test.signals == 0 {
				done <- test.err
			}
			if test.hears {
				context.AfterFunc(ctx, func() { done <- test.err })
			}
			if got := await(ctx, cancel, done, signals); got != test.want {
				t.Errorf("exit code %d, want %d", got, test.want)
			}
		})
	}
}

// TestWatch checks the exit code of a process that await does not end.
func TestWatch(t *testing.T) {
	for count, want := range map[int]int{1: exitBuild, 2: exitNow} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			signals := make(chan os.Signal, 2)
			for range count {
				signals <- os.Interrupt
			}
			code := -1
			watch(signals, func(c int) { code = c })
			if code != want {
				t.Errorf("exit code %d, want %d", code, want)
			}
		})
	}
}
