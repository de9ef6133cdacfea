package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rtbuild/rtbuild/internal/destination"
	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/planning"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
	"github.com/rtbuild/rtbuild/tags"
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
		t.Fatal("no terminals: ", err)
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

// TestMeasureAsksNoRegistry: the summary of an image in an engine's store asks no registry for it.
func TestMeasureAsksNoRegistry(t *testing.T) {
	reg, err := testenv.StartRegistry(t.Context(), t.TempDir())
	projecttest.Must(t, err)
	defer reg.Close()
	reg.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		t.Errorf("the registry is asked: %s %s", r.Method, r.URL)
		return false
	})
	d, err := destination.New(destination.Options{Repository: reg.Host + "/a"})
	projecttest.Must(t, err)
	d.Engine = new(engine.Engine)
	var s summary
	s.measure(t.Context(), publish.Request{
		Build: publish.Build{Destination: d, Project: &project.Project{Tags: tags.Set{Images: tags.Images{Source: reg.Host + "/a:source"}}}},
		Plan:  &planning.Result{Platforms: []planning.PlatformPlan{{Platform: options.Local()}}},
	})
	if s.layers != 0 {
		t.Errorf("got %+v", s)
	}
}
