package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rtbuild/rtbuild/internal/solve"
)

func TestSummary(t *testing.T) {
	s := summary{
		variant: "lock", took: 1234 * time.Millisecond, size: 149_200_000, layers: 16,
		stats: solve.Stats{Sent: 2048, Pulled: 23_000, Steps: []solve.Step{
			{Name: "[source] copy", Took: 900 * time.Millisecond}, {Name: "exporting", Took: 200 * time.Millisecond},
			{Name: "[base] look", Took: 50 * time.Millisecond}, {Name: "a fourth", Took: 40 * time.Millisecond},
		}},
	}
	const want = `variant    lock
time       1.23 s; the longest steps:
             0.90 s [source] copy
             0.20 s exporting
             0.05 s [base] look
sent       2.048kB to the builder
pulled     23kB by the builder
image      149.2MB in 16 layers
`
	if got := s.text(); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := (summary{variant: "none"}).text(); got != "variant    none\ntime       0.00 s\nsent       0B to the builder\npulled     0B by the builder\n" {
		t.Errorf("got\n%s", got)
	}
}

// TestColor: nothing but a terminal gets colours, and none if the user does not want them.
func TestColor(t *testing.T) {
	if painter(false).paint(green, "x") != "x" || painter(true).paint("", "x") != "x" || painter(true).paint(green, "x") != "\x1b[32mx\x1b[0m" {
		t.Error("wrong colours")
	}
	var buffer bytes.Buffer
	if mayColor(&buffer) {
		t.Error("a buffer gets colours")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals: ", err)
	}
	defer terminal.Close()
	t.Setenv("TERM", "xterm")
	for value, want := range map[string]bool{"": true, "1": false} {
		t.Setenv("NO_COLOR", value)
		if got := mayColor(terminal); got != want {
			t.Errorf("NO_COLOR=%s: got %t", value, got)
		}
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if mayColor(terminal) {
		t.Error("a dumb terminal gets colours")
	}
}

// TestExamples: the help of every command shows two ways to call it.
func TestExamples(t *testing.T) {
	for _, cmd := range newRoot().Commands() {
		lines := strings.Split(cmd.Example, "\n")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "  rtbuild-client "+cmd.Name()) {
			t.Errorf("%s: got %q", cmd.Name(), cmd.Example)
		}
	}
}
