package solve

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// TestStepLinesAreWhole: a failed step's output is split at line ends, not at the ends of chunks.
func TestStepLinesAreWhole(t *testing.T) {
	type write struct {
		stream int
		data   string
	}
	tests := []struct {
		name   string
		writes []write
		want   []string
	}{
		{"apt's message in two writes", []write{{2, "E"}, {2, ": Unable to locate package x\n"}}, []string{"E: Unable to locate package x"}},
		{"two streams in turns", []write{{1, "Read"}, {2, "E: no\n"}, {1, "ing lists\n"}}, []string{"E: no", "Reading lists"}},
		{"the last line has no end", []write{{1, "a\nb"}}, []string{"a", "b"}},
		{"an empty line", []write{{1, "a\n\nb\n"}}, []string{"a", "", "b"}},
		{"many lines", []write{{1, strings.Repeat("x\n", 100) + "y\n"}}, append(slices.Repeat([]string{"x"}, logLines-1), "y")},
		{"a line without end", []write{{1, strings.Repeat("x", 10_000)}, {1, "y"}}, []string{strings.Repeat("x", longestLine-1) + "y"}},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &Progress{names: map[digest.Digest]string{}, logs: map[digest.Digest]*tail{}}
			for _, w := range tt.writes {
				p.remember(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: "v", Stream: w.stream, Data: []byte(w.data)}}})
			}
			if _, _, got := p.step("v"); !cmp.Equal(tt.want, got) {
				t.Error(cmp.Diff(tt.want, got))
			}
		})
	}
}
