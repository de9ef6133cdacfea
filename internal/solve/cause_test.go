package solve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// TestCauses reads what the programs themselves printed, and checks which lines an error puts first.
func TestCauses(t *testing.T) {
	tests := map[string][]string{
		"npm-out-of-step.txt": {"npm error Missing: left-pad@1.3.0 from lock file"},
		"npm-not-cached.txt": {"npm error request to https://registry.example.com/left-pad failed: cache mode is 'only-if-cached' " +
			"but no cached response is available."},
		"npm-peer.txt": {"npm error Found: react@17.0.2", `npm error peer react@"^18.2.0" from react-dom@18.2.0`},
		"npm-engine.txt": {
			"npm error notsup Not compatible with your version of node/npm: e@1.0.0", `npm error notsup Required: {"node":">=99"}`,
			`npm error notsup Actual:   {"node":"v20.20.2","npm":"11.19.1"}`,
		},
		"node-gyp-no-python.txt": {"gyp ERR! stack Error: Could not find any Python installation to use"},
		"gcc.txt":                {"a.c:1:10: fatal error: nope.h: No such file or directory"},
		"pip.txt": {
			"ERROR: Could not find a version that satisfies the requirement no-such-pkg-x==1 (from versions: none)",
			"ERROR: No matching distribution found for no-such-pkg-x==1",
		},
		"apt.txt": {"E: Unable to locate package no-such-package"},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", "causes", name))
			if err != nil {
				t.Fatal(err)
			}
			if got := causesOf(data); !cmp.Equal(want, got) {
				t.Error(cmp.Diff(want, got))
			}
		})
	}
}

// TestCausesAreFew: memory stays bounded, a line is kept once, and a line without end counts.
func TestCausesAreFew(t *testing.T) {
	text := strings.Repeat("E: same\n", 100) + "E: " + strings.Repeat("x", 2*longestCause) + "\n" + strings.Repeat("fine\n", 100) + "E: last"
	want := []string{"E: same", "E: " + strings.Repeat("x", longestCause-3), "E: last"}
	if got := causesOf([]byte(text)); !cmp.Equal(want, got) {
		t.Error(cmp.Diff(want, got))
	}
	var many strings.Builder
	for i := range 100 {
		many.WriteString("E: " + strings.Repeat("y", i) + "\n")
	}
	if got := causesOf([]byte(many.String())); len(got) != causeLines {
		t.Errorf("%d lines, want %d", len(got), causeLines)
	}
}

// TestStepErrorSaysTheCauseFirst shows the text that a user reads.
func TestStepErrorSaysTheCauseFirst(t *testing.T) {
	err := &StepError{Step: "npm ci", ExitCode: 1, Causes: []string{"npm error Missing: a from lock file"}, Lines: []string{"npm error", "help"}}
	want := "step \"npm ci\" failed: exit code 1\n  cause: npm error Missing: a from lock file\n  | npm error\n  | help"
	if got := err.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// causesOf returns the causes in the output of a step that arrives in chunks of 7 bytes.
func causesOf(output []byte) []string {
	p := &Progress{names: map[digest.Digest]string{}, logs: map[digest.Digest]*tail{}}
	for len(output) > 0 {
		n := min(7, len(output))
		p.remember(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: "v", Stream: 1, Data: output[:n]}}})
		output = output[n:]
	}
	_, causes, _ := p.step("v")
	return causes
}
