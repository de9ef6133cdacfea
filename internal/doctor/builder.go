package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/embedded"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// snapshotterLabel is the label with the name of a worker's snapshotter, from BuildKit's package worker/label.
const snapshotterLabel = "org.mobyproject.buildkit.worker.snapshotter"

// builder checks the builder that a solve would use, by the rules of Destination.Builder. The error says why it cannot be used.
func (o Options) builder(ctx context.Context) (all []Finding, note string, err error) {
	found, err := o.Builder.Find()
	if err != nil {
		return []Finding{missing("builder", "", err)}, "", err
	}
	if found.Addr != "" {
		all, err := examine(ctx, "builder", found.Address)
		if err == nil || found.Origin != builders.EngineHere {
			needs, _ := privateNeeds(o.Destination.Private, Note)
			return append(append(all, o.order(found.Origin)), needs...), found.Note, err
		}
		note = err.Error() // nobody asked for the engine, so the private builder is used
	}
	needs, err := privateNeeds(o.Destination.Private, Missing)
	needs = append(needs, o.order(""))
	if err != nil {
		return needs, cmp.Or(note, found.Note), err
	}
	all, err = o.startPrivate(ctx)
	return append(all, needs...), cmp.Or(note, found.Note), err
}

// order lists what may name a builder, in order of precedence, and what each names. used is what has named the one that is used; "" is
// the private builder.
func (o Options) order(used builders.Origin) Finding {
	named := map[builders.Origin]string{}
	for _, c := range o.Builder.Candidates() {
		if c.Problem != "" {
			c.Value = c.Problem
		}
		named[c.Origin] = cmp.Or(named[c.Origin], c.Value)
	}
	var lines []string
	for _, origin := range append(slices.Clip(builders.Origins), "") {
		value := cmp.Or(named[origin], "none")
		line := fmt.Sprintf("%s: %s", origin, value)
		if origin == "" {
			line = "else the private builder"
		}
		if origin == used {
			line += " (used: the first that can be used)"
		}
		lines = append(lines, line)
	}
	return Finding{Name: "builders, in order", Status: OK, Found: strings.Join(lines, "\n")}
}

// startPrivate starts the private builder, examines it and releases it.
func (o Options) startPrivate(ctx context.Context) ([]Finding, error) {
	const name = "private builder"
	d, err := o.destination()
	if err != nil {
		return []Finding{missing(name, "", err)}, err
	}
	defer d.Close()
	at, err := d.StartPrivate(ctx)
	if err != nil {
		return []Finding{missing(name, "", err)}, err
	}
	return examine(ctx, name, at)
}

// destination returns the destination of a solve with the same options, but without a named builder.
func (o Options) destination() (*destination.Destination, error) {
	options := o.Destination
	options.Builder = builders.Address{}
	return destination.New(options)
}

// privateNeeds checks what the private builder needs on this machine. Missing needs get the given status, and the error names
// them.
func privateNeeds(private embedded.Options, status Status) ([]Finding, error) {
	var all []Finding
	var lacking []string
	for _, need := range embedded.Needs(private) {
		f := Finding{Name: need.Name, Status: OK, Found: need.Found, Hint: need.Hint}
		if !need.OK {
			f.Status = status
			lacking = append(lacking, need.Name)
		}
		if !need.OK && status == Note {
			f.Hint = "only for the private builder: " + f.Hint
		}
		all = append(all, f)
	}
	if lacking != nil {
		return all, fmt.Errorf("the private builder lacks %s", strings.Join(lacking, ", "))
	}
	return all, nil
}

// examine connects to a builder, and checks its worker and its capabilities.
func examine(ctx context.Context, name string, at builders.Address) ([]Finding, error) {
	b, err := solve.Connect(ctx, at)
	if err != nil {
		return []Finding{missing(name, at.Addr, err)}, err
	}
	defer b.Close()
	workers, err := b.ListWorkers(ctx)
	if err == nil && len(workers) == 0 {
		err = errors.New("it has no worker")
	}
	if err != nil {
		return []Finding{missing(name, at.Addr, err)}, err
	}
	found := fmt.Sprintf("%s, BuildKit %s, %s, snapshotter %s", b.Addr, cmp.Or(b.Version, "of unknown version"),
		platformList(workers[0]), cmp.Or(workers[0].Labels[snapshotterLabel], "unknown"))
	can, err := capabilities(ctx, b)
	return []Finding{{Name: name, Status: OK, Found: found}, can}, err
}

// platformList lists a worker's platforms. Of several variants of an architecture it lists only the first, which BuildKit
// prefers.
func platformList(w *client.WorkerInfo) string {
	var names []string
	seen := map[string]bool{}
	for _, p := range w.Platforms {
		if name := p.OS + "/" + p.Architecture; !seen[name] {
			seen[name] = true
			names = append(names, platforms.Format(p))
		}
	}
	return strings.Join(names, " ")
}

// capabilities checks that the builder supports merge and diff: rtbuild needs them to combine layers without pulling them.
func capabilities(ctx context.Context, b *solve.Builder) (Finding, error) {
	const name = "merge and diff"
	ask := func(_ context.Context, gw gateway.Client) (*gateway.Result, error) {
		caps := gw.BuildOpts().LLBCaps
		if caps.Supports(pb.CapMergeOp) != nil || caps.Supports(pb.CapDiffOp) != nil {
			return nil, errors.New("no merge or diff")
		}
		return gateway.NewResult(), nil
	}
	_, err := b.Build(ctx, client.SolveOpt{Internal: true}, "", ask, nil)
	if err != nil {
		return Finding{Name: name, Status: Missing, Hint: fmt.Sprintf("%v; use BuildKit %s or newer", err, imagebuild.OldestBuildKit)}, err
	}
	return Finding{Name: name, Status: OK, Found: "supported"}, nil
}
