package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errInterrupted is the cause of a command's end after Ctrl-C.
var errInterrupted = errors.New("canceled")

// exitNow is the exit code after a second signal.
const exitNow = 130

// leaveAfter is how long a command may run after the first signal: long enough for a builder to cancel a solve. Then the process ends,
// although a system call, another program or a server may still be busy. That is safe: files have temporary names until they are
// complete. Builder and registry drop a client that is gone, and the private builder ends with its last client.
const leaveAfter = 1500 * time.Millisecond

// A command's last message may block: standard error may be a full pipe or a stopped terminal. The process ends messageUntil after the
// first signal, or messageTime after the second, in any case.
const (
	messageUntil = 1750 * time.Millisecond
	messageTime  = 100 * time.Millisecond
)

// watch ends the process after signals if await does not. It writes nothing, so it never blocks.
func watch(signals <-chan os.Signal, exit func(code int)) {
	<-signals
	timer := time.NewTimer(messageUntil)
	defer timer.Stop()
	select {
	case <-timer.C:
		exit(exitBuild)
		return
	case <-signals:
	}
	select {
	case <-timer.C:
	case <-time.After(messageTime):
	}
	exit(exitNow)
}

// await waits for a command and returns its exit code. The first signal cancels the command, which ends within 2 s in any case. The
// second one ends it at once.
func await(ctx context.Context, cancel context.CancelCauseFunc, done <-chan error, signals <-chan os.Signal) int {
	select {
	case err := <-done:
		return report(ctx, err)
	case <-signals:
	}
	cancel(errInterrupted)
	timer := time.NewTimer(leaveAfter)
	defer timer.Stop()
	select {
	case err := <-done:
		return report(ctx, err)
	case <-signals:
		showCursor()
		return exitNow
	case <-timer.C:
		showCursor()
		fmt.Fprintf(os.Stderr, "ERROR: %v: the command did not end within %s, and was abandoned\n", errInterrupted, leaveAfter)
		return exitBuild
	}
}

// report prints a command's error, and returns its exit code.
func report(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx) // report Ctrl-C, and not an error that it has caused
	}
	fmt.Fprintf(os.Stderr, "ERROR: %v\n", err)
	return exitCode(err)
}

// showCursor shows the cursor again, which the progress display hides while it draws.
func showCursor() {
	if fi, err := os.Stderr.Stat(); err == nil && fi.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\x1b[?25h\n")
	}
}
