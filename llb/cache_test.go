package llb_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/rtbuild/rtbuild/llb"
)

// ops gives the operations of a graph's deps image.
func ops(t *testing.T, g *llb.Graph) []*pb.Op {
	t.Helper()
	state, _ := draw(t, g, fromScratch)
	def, err := state.Marshal(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*pb.Op, len(def.Def))
	for i, dt := range def.Def {
		all[i] = &pb.Op{}
		if err := all[i].UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// scripts gives the scripts that a graph's steps run.
func scripts(t *testing.T, g *llb.Graph) []string {
	t.Helper()
	var all []string
	for _, op := range ops(t, g) {
		for _, action := range op.GetFile().GetActions() {
			if script := string(action.GetMkfile().GetData()); strings.HasPrefix(script, "set -eu\n") {
				all = append(all, script)
			}
		}
	}
	return all
}

// cachesOf gives the ids of a graph's caches by where they are mounted.
func cachesOf(t *testing.T, g *llb.Graph) map[string]string {
	t.Helper()
	ids := map[string]string{}
	for _, op := range ops(t, g) {
		for _, m := range op.GetExec().GetMounts() {
			if m.CacheOpt != nil {
				ids[m.Dest] = m.CacheOpt.ID
			}
		}
	}
	return ids
}

// TestCachesAreKeptApartByTrust: which caches two bases share.
func TestCachesAreKeptApartByTrust(t *testing.T) {
	const (
		npm, archives, lists = "/var/cache/npm", "/var/cache/apt/archives", "/var/lib/apt/lists"
		none                 = ""
	)
	on := func(base, ref string) *llb.Graph {
		g := graph(node())
		g.Runtime.Base, g.Base.Ref = base, ref+pinned
		return g
	}
	inContext := func(config string) *llb.Graph {
		g := on("debian:bookworm", "docker.io/library/debian:bookworm")
		state := bkllb.Scratch()
		g.Base.State, g.Base.Config = &state, []byte(config)
		return g
	}
	named := func(namespace string) *llb.Graph {
		g := on("debian:bookworm", "docker.io/library/debian:bookworm")
		g.CacheNamespace = namespace
		return g
	}
	debian := on("debian:bookworm", "docker.io/library/debian:bookworm")
	tests := []struct {
		name   string
		a, b   *llb.Graph
		shared string
	}{
		{"one base", debian, on("docker.io/library/debian:bookworm", "docker.io/library/debian:bookworm"), archives + " " + npm + " " + lists},
		{"two bases of one publisher", debian, on("node:22", "docker.io/library/node:22"), archives + " " + npm},
		{"a base that has moved", debian, on("debian:bookworm", "docker.io/library/debian:11"), archives + " " + npm},
		{"another namespace", debian, on("evil/debian:bookworm", "docker.io/evil/debian:bookworm"), none},
		{"another registry", debian, on("evil.example/library/debian:bookworm", "evil.example/library/debian:bookworm"), none},
		{"a registry without namespaces", debian, on("evil.example/debian:bookworm", "evil.example/debian:bookworm"), none},
		{"a namespace below another", on("r.example/a/b:1", "r.example/a/b:1"), on("r.example/a/b/c:1", "r.example/a/b/c:1"), none},
		{"names that spell alike", on("r.example/a/b_s_c/x", "r.example/a/b_s_c/x"), on("r.example/a/b/c/x", "r.example/a/b/c/x"), none},
		{"a context under the name of a base", debian, inContext(string(baseConfig)), none},
		{"the same context", inContext(string(baseConfig)), inContext(string(baseConfig)), archives + " " + npm + " " + lists},
		{"two contexts", inContext(string(baseConfig)), inContext(strings.Replace(string(baseConfig), "sha256:2", "sha256:3", 1)), none},
		{"--cache-namespace", debian, named("ci"), none},
		{"the same --cache-namespace", named("ci"), named("ci"), archives + " " + npm + " " + lists},
		{"a --cache-namespace that ends as an id begins", named("ci"), named("ci/rtbuild"), none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := cachesOf(t, test.a), cachesOf(t, test.b)
			if len(a) != 3 || len(b) != 3 {
				t.Fatalf("caches %v and %v", a, b)
			}
			var shared []string
			for _, dest := range slices.Sorted(maps.Keys(a)) {
				if a[dest] == b[dest] {
					shared = append(shared, dest)
				}
			}
			if got := strings.Join(shared, " "); got != test.shared {
				t.Errorf("they share %q, want %q:\n%v\n%v", got, test.shared, a, b)
			}
		})
	}
}
