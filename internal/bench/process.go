package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process runs a program with an empty home directory, and returns its wall time and its standard output.
func (b *bench) process(ctx context.Context, builder, name string, args ...string) (time.Duration, string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = b.home()
	cmd.Env = append(os.Environ(), "HOME="+b.home(), "DOCKER_CONFIG="+b.home(), "XDG_CACHE_HOME="+b.home(), "XDG_STATE_HOME="+b.home(),
		"XDG_DATA_HOME="+b.home(), "BUILDKIT_HOST="+builder, "OH_RUNTIME_RUNTIME_IMAGE_REPO=", "SOURCE_DATE_EPOCH=")
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil {
		return wall, "", fmt.Errorf("%s %s: %w\n%s%s", filepath.Base(name), strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return wall, stdout.String(), nil
}

// peakCommand is the argument with which this program runs itself as a small parent of a process whose memory it measures.
// Linux includes the parent's memory at the start in a process's peak, and the benchmark may use more than the client.
const peakCommand = "peak-of"

// peak returns the peak resident set size of a program, in bytes.
func (b *bench) peak(ctx context.Context, builder, name string, args ...string) (int64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	_, out, err := b.process(ctx, builder, self, append([]string{peakCommand, name}, args...)...)
	if err != nil {
		return 0, err
	}
	var peak int64
	err = json.Unmarshal([]byte(out), &peak)
	return peak, err
}

// peakOf runs a program and prints its peak resident set size in bytes. It returns the exit code.
func peakOf(args []string) int {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if err != nil || !ok {
		fmt.Fprintln(os.Stderr, "running", args[0]+":", err)
		return 1
	}
	fmt.Println(usage.Maxrss << 10) // it is in KiB
	return 0
}
