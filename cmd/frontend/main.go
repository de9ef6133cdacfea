// Command rtbuild-frontend is the program in the frontend image, which buildkitd runs for a "# syntax=" line.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // the faster codec, as in BuildKit's own frontend

	"github.com/rtbuild/rtbuild/internal/frontend"
	"github.com/rtbuild/rtbuild/internal/sourcestep"
)

func main() {
	if err := run(appcontext.Context(), os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "rtbuild-frontend: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if sourcestep.IsStep(args) {
		return sourcestep.Run(ctx, args)
	}
	return grpcclient.RunFromEnvironment(ctx, frontend.Build)
}
