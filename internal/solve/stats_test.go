package solve

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// TestStats: transfers count once with their largest number, and steps that were cached did not run.
func TestStats(t *testing.T) {
	start := timeOf(0)
	vertex := func(name string, took time.Duration, cached bool) *client.Vertex {
		end := start.Add(took)
		return &client.Vertex{Digest: digest.FromString(name), Name: name, Started: &start, Completed: &end, Cached: cached}
	}
	status := func(id, of string, current int64) *client.VertexStatus {
		return &client.VertexStatus{ID: id, Vertex: digest.FromString(of), Current: current}
	}
	p := &Progress{names: map[digest.Digest]string{}, logs: map[digest.Digest]*tail{}}
	p.remember(&client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: digest.FromString("a"), Name: "a", Started: &start}, vertex("b", 3*time.Second, false), vertex("c", time.Hour, true)},
		Statuses: []*client.VertexStatus{status("transferring source:", "l", 10), status("sha256:1", "b", 100), status("extracting sha256:1", "b", 1000)},
	})
	p.remember(&client.SolveStatus{
		Vertexes: []*client.Vertex{vertex("a", 5*time.Second, false)},
		Statuses: []*client.VertexStatus{
			status("transferring source:", "l", 12), status("transferring lockfiles:", "m", 5), status("sha256:1", "b", 120), status("sha256:2", "b", 1),
		},
	})
	want := Stats{Sent: 17, Pulled: 121, Steps: []Step{{"a", 5 * time.Second}, {"b", 3 * time.Second}}}
	if diff := cmp.Diff(want, p.Stats()); diff != "" {
		t.Error(diff)
	}
}
