package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// snapshotterLabel is where a worker says how it keeps layers: BuildKit's worker/label.
const snapshotterLabel = "org.mobyproject.buildkit.worker.snapshotter"

// checkBuilder looks at the builder that a solve would use: the same order as Destination.Builder. The error says why it
// cannot be used.
func (o *doctorOptions) checkBuilder(ctx context.Context) ([]check, error) {
	found, err := o.place.builderOptions([]ocispecs.Platform{platforms.DefaultSpec()}).Find()
	if err != nil {
		return []check{{Name: "builder", Status: checkMissing, Hint: err.Error()}}, err
	}
	sayNote(found)
	if found.Addr != "" {
		checks, err := examine(ctx, "builder", found.Address)
		needs, _ := checkNeeds(checkNote)
		return append(checks, needs...), err
	}
	checks, err := checkNeeds(checkMissing)
	if err != nil {
		return checks, err
	}
	// All that is needed seems to be there: starting it is the only proof.
	private, err := o.startPrivate(ctx)
	return append(private, checks...), err
}

func (o *doctorOptions) startPrivate(ctx context.Context) ([]check, error) {
	const name = "private builder"
	at, closePair, err := o.privateAddress(ctx)
	if err != nil {
		return []check{{Name: name, Status: checkMissing, Hint: err.Error()}}, err
	}
	defer closePair()
	return examine(ctx, name, at)
}

// privateAddress starts the private builder, which runs until it is given back.
func (o *doctorOptions) privateAddress(ctx context.Context) (at builders.Address, giveBack func(), err error) {
	d, err := o.destination()
	if err != nil {
		return at, nil, err
	}
	if at, err = d.StartPrivate(ctx); err != nil {
		_ = d.Close()
	}
	return at, func() { _ = d.Close() }, err
}

// destination is where a solve with the same flags would build, as far as the flags tell.
func (o *doctorOptions) destination() (*destination.Destination, error) {
	options, err := o.place.options()
	if err != nil {
		return nil, err
	}
	options.Repository = o.repository
	d, err := destination.New(options)
	return d, withCode(exitUsage, err)
}

// checkNeeds says what the private builder needs; status is what it means if that is not there.
func checkNeeds(status string) ([]check, error) {
	options, err := embeddedOptions()
	if err != nil {
		return nil, err
	}
	var checks []check
	var missing []string
	for _, need := range embedded.Needs(options) {
		c := check{Name: need.Name, Status: checkOK, Found: need.Found, Hint: need.Hint}
		if !need.OK {
			c.Status = status
			missing = append(missing, need.Name)
		}
		if !need.OK && status == checkNote {
			c.Hint = "only for the private builder: " + c.Hint
		}
		checks = append(checks, c)
	}
	if missing != nil {
		return checks, fmt.Errorf("the private one lacks %s", strings.Join(missing, ", "))
	}
	return checks, nil
}

// examine asks a builder what it is and what it can do.
func examine(ctx context.Context, name string, dial builders.Address) ([]check, error) {
	b, err := solve.Connect(ctx, dial)
	if err != nil {
		return []check{{Name: name, Status: checkMissing, Found: dial.Addr, Hint: err.Error()}}, err
	}
	defer b.Close()
	workers, err := b.ListWorkers(ctx)
	if err == nil && len(workers) == 0 {
		err = errors.New("it has no worker")
	}
	if err != nil {
		return []check{{Name: name, Status: checkMissing, Found: dial.Addr, Hint: err.Error()}}, err
	}
	found := fmt.Sprintf("%s, BuildKit %s, %s, snapshotter %s", b.Addr, cmp.Or(b.Version, "of unknown version"),
		platformList(workers[0]), cmp.Or(workers[0].Labels[snapshotterLabel], "unknown"))
	can, err := capabilities(ctx, b)
	return []check{{Name: name, Status: checkOK, Found: found}, can}, err
}

func platformList(w *client.WorkerInfo) string {
	var names []string
	seen := map[string]bool{}
	for _, p := range w.Platforms {
		// The variants of a platform that BuildKit lists are no platforms of their own to a user.
		if name := p.OS + "/" + p.Architecture; !seen[name] {
			seen[name] = true
			names = append(names, platforms.Format(p))
		}
	}
	return strings.Join(names, " ")
}

// capabilities checks that layers can be merged unpulled, which all of rtbuild's speed rests on.
func capabilities(ctx context.Context, b *solve.Builder) (check, error) {
	c := check{Name: "merge and diff", Status: checkOK, Found: "supported"}
	lacks := errors.New("no merge or diff")
	ask := func(_ context.Context, gw gateway.Client) (*gateway.Result, error) {
		caps := gw.BuildOpts().LLBCaps
		if caps.Supports(pb.CapMergeOp) != nil || caps.Supports(pb.CapDiffOp) != nil {
			return nil, lacks
		}
		return gateway.NewResult(), nil
	}
	_, err := b.Build(ctx, client.SolveOpt{Internal: true}, "", ask, nil)
	if err != nil {
		c = check{Name: c.Name, Status: checkMissing, Hint: fmt.Sprintf("%v; use BuildKit %s or newer", err, build.OldestBuildKit)}
	}
	return c, err
}
