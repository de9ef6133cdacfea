package imagebuild

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/llb"
)

// test checks the finished image. It runs before anything is exported. Tests run side by side, so that each may take its time.
func (b *builder) test(ctx context.Context, state bkllb.State, ref gateway.Reference, img *llb.Image) error {
	if b.req.NoTest {
		return nil
	}
	process := llb.Process{
		Command: slices.Concat(img.Config.Entrypoint, img.Config.Cmd), User: img.Config.User, Workdir: img.Config.WorkingDir,
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, test := range b.req.Runtime.Tests {
		group.Go(func() error {
			if test.File != "" {
				return checkFile(ctx, ref, test)
			}
			_, err := b.solve(ctx, b.graph.RunTest(state, test, process), true)
			return err
		})
	}
	return group.Wait()
}

// checkFile returns an error unless a file of the image is as a test says.
func checkFile(ctx context.Context, ref gateway.Reference, test llb.Test) error {
	image := &files{ctx: ctx, ref: ref}
	fails := func(format string, args ...any) error {
		return llb.FieldErrorf("test", "a test of the image failed: %s "+format, append([]any{test.File}, args...)...)
	}
	stat, err := ref.StatFile(ctx, gateway.StatRequest{Path: test.File})
	switch {
	case !image.found(err) && image.err != nil:
		return fmt.Errorf("testing %s: %w", test.File, image.err)
	case err != nil:
		return fails("is not there")
	}
	if mode := strconv.FormatUint(uint64(stat.Mode&uint32(os.ModePerm)), 8); test.Mode != "" && mode != strings.TrimLeft(test.Mode, "0") {
		return fails("has mode 0%s, not %s", mode, test.Mode)
	}
	if test.Contains == "" {
		return nil
	}
	data, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: test.File})
	switch {
	case err != nil:
		return fails("cannot be read: %w", err)
	case !bytes.Contains(data, []byte(test.Contains)):
		return fails("does not contain %q", test.Contains)
	}
	return nil
}
