package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// serverStart is how OpenHands starts its server, without plugins and browser.
const serverStart = "echo started; exec /openhands/micromamba/bin/micromamba run -n openhands poetry run python -u -m " +
	"openhands.runtime.action_execution_server %s --working-dir /workspace --username openhands --user-id 1000 --no-enable-browser"

// started returns the time from the start of an image's first process to the server's answer. Unpacking the image is not timed.
func (r *release) started(ctx context.Context, ref string) (took time.Duration, err error) {
	port, err := freePort()
	if err != nil {
		return 0, err
	}
	server := exec.CommandContext(ctx, "hack/run-image", ref, filepath.Join(r.bench.dir, "container"), "--", "/bin/bash", "-c", fmt.Sprintf(serverStart, port))
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGTERM) } // removes the container
	out, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	server.Stderr = server.Stdout
	if err := server.Start(); err != nil {
		return 0, err
	}
	took, log, err := untilAlive(ctx, bufio.NewReader(out), "http://127.0.0.1:"+port+"/alive")
	if stopErr := server.Process.Signal(syscall.SIGTERM); stopErr == nil {
		_ = server.Wait() // by the signal
	}
	if err != nil {
		return 0, fmt.Errorf("starting %s: %w\n%s", ref, err, log)
	}
	return took, nil
}

// untilAlive waits for a server's first line and then for its answer, and returns the time between them.
func untilAlive(ctx context.Context, out *bufio.Reader, url string) (took time.Duration, log string, err error) {
	for line := ""; line != "started\n"; log += line {
		if line, err = out.ReadString('\n'); err != nil {
			return 0, log + line, err
		}
	}
	began := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	rest := make(chan string, 1)
	go func() {
		var all strings.Builder
		_, err := out.WriteTo(&all)
		rest <- all.String()
		cancel(errors.Join(errors.New("the server ended"), err))
	}()
	for {
		if alive(ctx, url) {
			return time.Since(began), log, nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return 0, log + <-rest, context.Cause(ctx)
		}
	}
}

func alive(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// freePort returns a port of loopback that nothing uses now.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}
