// Command rtbuild-client computes the tags of an agent runtime image, asks the registry what exists, and builds the rest
// with BuildKit.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/rtbuild/rtbuild/internal/embedded"
)

func main() {
	if embedded.IsRunc() { // the private builder starts a step
		fmt.Fprintln(os.Stderr, "ERROR:", embedded.Runc())
		os.Exit(exitBuild)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	go watch(signals(), os.Exit)
	forAwait := signals()
	done := make(chan error, 1)
	go func() { done <- newRoot().ExecuteContext(ctx) }()
	os.Exit(await(ctx, cancel, done, forAwait))
}

// signals returns a channel of the signals that end a command. Each channel gets all signals.
func signals() <-chan os.Signal {
	all := make(chan os.Signal, 2)
	signal.Notify(all, os.Interrupt, syscall.SIGTERM)
	return all
}
