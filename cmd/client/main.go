// Command rtbuild-client computes the tags of an agent runtime image, asks the registry what exists, and builds the rest
// with BuildKit.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// errInterrupted is why a command ends after Ctrl-C.
var errInterrupted = errors.New("canceled")

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel(errInterrupted)
		<-signals // the second one does not wait for the builder
		os.Exit(130)
	}()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx) // Ctrl-C comes before whatever it broke
		}
		fmt.Fprintf(os.Stderr, "ERROR: %v\n", err)
		os.Exit(exitCode(err))
	}
}
