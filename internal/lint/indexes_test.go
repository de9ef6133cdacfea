package lint

import (
	"slices"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestMixedIndexes: without hashes, whoever may publish on one of several indexes decides what is installed.
func TestMixedIndexes(t *testing.T) {
	const further = "-r more.txt\n--extra-index-url https://index.example.com/simple\n"
	const todo = "): write hashes with: mv requirements.txt requirements.in && uv pip compile --universal --generate-hashes -o requirements.txt requirements.in"
	for text, want := range map[string][]string{
		"a==1\n":                            nil,
		further + "a==1 --hash=sha256:00\n": nil,
		further + "a==1\nb==1 --hash=sha256:00\nc==1\nd==1\ne==1\nf==1\n": {"requirements.txt MixedIndexes: any of several indexes may serve the packages without a hash (a==1, c==1, d==1, e==1, and 1 more" + todo +
			" | --extra-index-url https://index.example.com/simple"},
	} {
		project := projecttest.Files("requirements.txt", text, "more.txt", "", "runtime.yaml", "base: "+pinned+"\n")
		in := Input{Runtime: load(t, project), Project: project}
		if got := inLines(mixedIndexes(in)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
