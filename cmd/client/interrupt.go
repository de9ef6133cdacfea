package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errInterrupted is why a command ends after Ctrl-C.
var errInterrupted = errors.New("canceled")

// exitNow is the exit code after a second signal.
const exitNow = 130

// leaveAfter is how long a command has after the first signal. It is enough for a builder to cancel a solve. What does not hear of
// the signal (a system call, a program that we run, a server behind a library) is left: files are written under other names until
// they are whole, builder and registry drop a client that is gone, and the private builder ends with its last client.
const leaveAfter = 1500 * time.Millisecond

// The last words of a command may never be written: standard error may be a full pipe, or a terminal that was stopped. They have until
// wordsUntil after the first signal, and lastWords after the second.
const (
	wordsUntil = 1750 * time.Millisecond
	lastWords  = 100 * time.Millisecond
)

// watch ends the process after signals if await does not come to it. It writes nothing, so nothing holds it up.
func watch(signals <-chan os.Signal, exit func(code int)) {
	<-signals
	timer := time.NewTimer(wordsUntil)
	defer timer.Stop()
	select {
	case <-timer.C:
		exit(exitBuild)
		return
	case <-signals:
	}
	select {
	case <-timer.C:
	case <-time.After(lastWords):
	}
	exit(exitNow)
}

// await gives the exit code of a command that runs. The first signal cancels it, and ends it within 2 s whatever it waits for; the
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
		fmt.Fprintf(os.Stderr, "ERROR: %v: something did not end within %s, and was left\n", errInterrupted, leaveAfter)
		return exitBuild
	}
}

// report tells how a command ended, and gives its exit code.
func report(ctx context.Context, err error) int {
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx) // Ctrl-C comes before whatever it broke
	}
	fmt.Fprintf(os.Stderr, "ERROR: %v\n", err)
	return exitCode(err)
}

// showCursor takes back what the progress display does while it draws: it may have been stopped in the middle.
func showCursor() {
	if fi, err := os.Stderr.Stat(); err == nil && fi.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(os.Stderr, "\x1b[?25h\n")
	}
}
