package solve

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Stats is what the builder reported of all solves of a command.
type Stats struct {
	Sent   int64  // bytes of files that went to the builder
	Pulled int64  // bytes of images and files that the builder fetched
	Steps  []Step // that ran, the longest first
}

// Step is a step that ran on the builder.
type Step struct {
	Name string
	Took time.Duration
}

// traffic holds what a status channel reports of transfers and steps.
type traffic struct {
	sent, pulled map[string]int64 // largest count of each transfer
	took         map[digest.Digest]time.Duration
}

// transferring begins the status of a local directory that is sent: source/local in BuildKit.
const transferring = "transferring "

// remember counts a status. The counts of a transfer grow, so the largest one is its size. A blob of an image has its digest as id.
func (t *traffic) remember(s *client.SolveStatus) {
	if t.sent == nil {
		t.sent, t.pulled, t.took = map[string]int64{}, map[string]int64{}, map[digest.Digest]time.Duration{}
	}
	for _, v := range s.Vertexes {
		if v.Started != nil && v.Completed != nil && !v.Cached {
			t.took[v.Digest] = max(t.took[v.Digest], v.Completed.Sub(*v.Started))
		}
	}
	for _, status := range s.Statuses {
		switch {
		case strings.HasPrefix(status.ID, transferring):
			id := status.Vertex.String() + status.ID
			t.sent[id] = max(t.sent[id], status.Current)
		case strings.HasPrefix(status.ID, "sha256:"):
			t.pulled[status.ID] = max(t.pulled[status.ID], status.Current)
		}
	}
}

// stats sums up. names are those of the steps.
func (t traffic) stats(names map[digest.Digest]string) Stats {
	var all Stats
	for _, n := range t.sent {
		all.Sent += n
	}
	for _, n := range t.pulled {
		all.Pulled += n
	}
	for _, step := range slices.Sorted(maps.Keys(t.took)) {
		all.Steps = append(all.Steps, Step{names[step], t.took[step]})
	}
	slices.SortStableFunc(all.Steps, func(a, b Step) int { return cmp.Compare(b.Took, a.Took) })
	return all
}

// Stats returns what was reported so far.
func (p *Progress) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.traffic.stats(p.names)
}
