package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/docker/go-units"

	"github.com/rtbuild/rtbuild/internal/publish"
	"github.com/rtbuild/rtbuild/internal/solve"
)

// longestSteps is how many steps the summary names.
const longestSteps = 3

// summary is what solve says at its end on a terminal.
type summary struct {
	variant string
	took    time.Duration
	stats   solve.Stats
	size    int64 // of the compressed layers; 0: unknown
	layers  int
}

// summarize prints the summary of a solve to standard error, if that is a terminal.
func summarize(ctx context.Context, began time.Time, request publish.Request, result *publish.Result) {
	if !isTerminal(os.Stderr) || request.Progress == "quiet" || request.Progress == "rawjson" {
		return
	}
	s := summary{variant: string(request.Plan.Variant()), took: time.Since(began), stats: result.Stats}
	if request.Push {
		s.measure(ctx, request)
	}
	_, _ = io.WriteString(os.Stderr, s.text())
}

// measure asks the registry for the size of the image. Without an answer, the summary leaves it out. No registry has an image of the Docker
// engine's store.
func (s *summary) measure(ctx context.Context, request publish.Request) {
	if request.Destination.Engine != nil {
		return
	}
	found, err := request.Destination.Registry.Lookup(ctx, request.Project.Tags.Images.Source, request.Plan.Platforms[0].Platform)
	if err != nil {
		return
	}
	for _, layer := range found.Layers {
		s.size += layer.Size
	}
	s.layers = len(found.Layers)
}

func (s summary) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "variant    %s\ntime       %s%s\n", s.variant, seconds(s.took), s.longest())
	fmt.Fprintf(&text, "sent       %s to the builder\n", units.HumanSize(float64(s.stats.Sent)))
	fmt.Fprintf(&text, "pulled     %s by the builder\n", units.HumanSize(float64(s.stats.Pulled)))
	if s.layers > 0 {
		fmt.Fprintf(&text, "image      %s in %d layers\n", units.HumanSize(float64(s.size)), s.layers)
	}
	return text.String()
}

// longest names the steps that took longest. Steps that took no time worth a look are left out.
func (s summary) longest() string {
	var all []string
	for _, step := range s.stats.Steps[:min(longestSteps, len(s.stats.Steps))] {
		if step.Took >= 10*time.Millisecond {
			all = append(all, seconds(step.Took)+" "+step.Name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "; the longest steps:\n             " + strings.Join(all, "\n             ")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
