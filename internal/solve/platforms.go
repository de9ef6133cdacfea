package solve

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// PlatformError says that a builder cannot run programs of some platforms.
type PlatformError struct {
	Addr   string
	Lacks  []ocispecs.Platform
	Offers []ocispecs.Platform
}

func (e *PlatformError) Error() string {
	var archs []string
	for _, p := range e.Lacks {
		archs = append(archs, p.Architecture)
	}
	return fmt.Sprintf("builder %s cannot run the steps for %s: it runs %s\n"+
		"install an emulator where it runs (docker run --privileged --rm tonistiigi/binfmt --install %s, or the package "+
		"qemu-user-static), or name another builder with --addr or --builder",
		e.Addr, formatAll(e.Lacks), formatAll(e.Offers), strings.Join(slices.Compact(archs), ","))
}

func formatAll(all []ocispecs.Platform) string {
	var names []string
	for _, p := range all {
		names = append(names, platforms.Format(p))
	}
	return strings.Join(names, ", ")
}

// CheckPlatforms checks that the builder can run programs of these platforms, natively or with emulation. The error is a
// *PlatformError if it cannot, or a *BuilderError.
func (b *Builder) CheckPlatforms(ctx context.Context, wanted []ocispecs.Platform) error {
	if len(wanted) == 0 {
		return nil
	}
	workers, err := b.ListWorkers(ctx)
	if err != nil {
		return &BuilderError{Addr: b.Addr, Doing: "listing the platforms of", Err: err}
	}
	e := &PlatformError{Addr: b.Addr}
	for _, w := range workers {
		e.Offers = append(e.Offers, w.Platforms...)
	}
	for _, p := range wanted {
		if !slices.ContainsFunc(e.Offers, func(has ocispecs.Platform) bool { return platforms.OnlyStrict(has).Match(p) }) {
			e.Lacks = append(e.Lacks, p)
		}
	}
	if len(e.Lacks) == 0 {
		return nil
	}
	return e
}
