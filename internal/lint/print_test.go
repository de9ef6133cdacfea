package lint

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrint(t *testing.T) {
	findings := []Finding{
		{Rule: "A", Detail: "no place"},
		{Rule: "B", Detail: "a file", File: "x"},
		{Rule: "C", Detail: "lines", File: "y", Data: []byte("one\ntwo\nthree\nfour"), First: 2, Last: 3},
	}
	const want = `
WARNING: A
no place

WARNING: B
a file

WARNING: C
lines
y:2
--------------------
   1 |     one
   2 | >>> two
   3 | >>> three
   4 |     four
--------------------
`
	var got strings.Builder
	if err := Print(&got, findings); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// full is a writer whose disk is full.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestPrintErrors(t *testing.T) {
	if err := Print(full{}, []Finding{{Rule: "A"}}); !errors.Is(err, errFull) {
		t.Errorf("got %v", err)
	}
}
