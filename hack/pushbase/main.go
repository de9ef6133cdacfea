// Command pushbase makes a Debian base image with mmdebstrap and puts it into the registry at HOST, as the demo and the
// benchmarks need it where no hub is reachable. It prints the image's reference.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pushbase HOST[:PORT]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	registry := testenv.Registry{Host: os.Args[1]}
	ref, err := registry.PushBase(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pushbase:", err)
		os.Exit(1)
	}
	fmt.Println(ref)
}
