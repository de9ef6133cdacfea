// Command pushbase makes a Debian base image with mmdebstrap, pushes it to the registry at HOST, and prints its reference. The demo
// uses it, so that it needs no hub. FILE contains the token of a private registry; rtbuild-client serve prints its path.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/testenv"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: pushbase HOST[:PORT] [FILE]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ref, err := push(ctx, os.Args[1], os.Args[2:]...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pushbase:", err)
		os.Exit(1)
	}
	fmt.Println(ref)
}

func push(ctx context.Context, host string, tokens ...string) (string, error) {
	registry := testenv.Registry{Host: host}
	for _, file := range tokens {
		token, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		registry.User, registry.Password = embedded.User, strings.TrimSpace(string(token))
	}
	return registry.PushBase(ctx)
}
