package solve

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progresswriter"
	"github.com/opencontainers/go-digest"
)

// logLines is how many of a failed step's last lines an error shows.
const logLines = 10

// Progress shows the progress of all solves of a command in one display. It keeps the last output of each step for errors, and the
// warnings: the display of a terminal shows none, and plain progress shows none for a step that has ended.
type Progress struct {
	printer progresswriter.Writer
	multi   *progresswriter.MultiWriter
	held    progresswriter.Writer

	mu       sync.Mutex
	names    map[digest.Digest]string
	logs     map[digest.Digest]*tail
	warnings []string
	traffic  traffic
}

// NewProgress opens a display on standard error, in one of buildx's modes: auto, tty, plain, quiet, rawjson.
func NewProgress(ctx context.Context, mode string) (*Progress, error) {
	printer, err := progresswriter.NewPrinter(context.WithoutCancel(ctx), os.Stderr, mode)
	if err != nil {
		return nil, err
	}
	multi := progresswriter.NewMultiWriter(printer)
	return &Progress{
		printer: printer, multi: multi,
		held:  multi.WithPrefix("", false), // keeps the display open between solves
		names: map[digest.Digest]string{}, logs: map[digest.Digest]*tail{},
	}, nil
}

// Close waits until everything is shown, and ends the display.
func (p *Progress) Close() error {
	close(p.held.Status())
	<-p.printer.Done()
	return p.printer.Err()
}

// channel returns the channel for the status of a solve. done is closed after all of it has been received.
func (p *Progress) channel() (status chan *client.SolveStatus, done <-chan struct{}) {
	seen := make(chan *client.SolveStatus)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for s := range seen {
			p.remember(s)
		}
	}()
	return progresswriter.Tee(p.multi.WithPrefix("", false), seen).Status(), finished
}

func (p *Progress) remember(s *client.SolveStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range s.Vertexes {
		p.names[v.Digest] = v.Name
	}
	p.traffic.remember(s)
	for _, l := range s.Logs {
		if p.logs[l.Vertex] == nil {
			p.logs[l.Vertex] = &tail{rest: map[int]string{}}
		}
		p.logs[l.Vertex].write(l.Stream, string(l.Data))
	}
	for _, w := range s.Warnings {
		if text := string(w.Short); !slices.Contains(p.warnings, text) {
			p.warnings = append(p.warnings, text)
		}
	}
}

// Warnings returns the distinct warnings of all solves, in order.
func (p *Progress) Warnings() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.warnings)
}

// step returns the name of a vertex, the lines of its output that say a cause, and the last lines.
func (p *Progress) step(vertex digest.Digest) (name string, causes, lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if log := p.logs[vertex]; log != nil {
		causes, lines = log.last()
	}
	return p.names[vertex], causes, lines
}

// tail has the last lines of a step's output, and the lines that say a cause, wherever they stand. A chunk may end in the middle of a
// line, and the chunks of both streams alternate.
type tail struct {
	lines  []string
	causes []string
	rest   map[int]string // the incomplete last line of each stream
}

// longestLine limits how much is kept of an incomplete line, in bytes.
const longestLine = 4096

func (t *tail) write(stream int, text string) {
	lines := strings.Split(t.rest[stream]+text, "\n")
	rest := lines[len(lines)-1]
	t.rest[stream] = rest[max(0, len(rest)-longestLine):]
	t.add(lines[:len(lines)-1]...)
}

func (t *tail) add(lines ...string) {
	for _, line := range lines {
		t.keepCause(line)
	}
	t.lines = append(t.lines, lines...)
	t.lines = t.lines[max(0, len(t.lines)-logLines):]
}

// last returns the lines that say a cause, and the last lines, followed by the incomplete ones.
func (t *tail) last() (causes, lines []string) {
	all := tail{lines: slices.Clone(t.lines), causes: slices.Clone(t.causes)}
	for _, stream := range slices.Sorted(maps.Keys(t.rest)) {
		if t.rest[stream] != "" {
			all.add(t.rest[stream])
		}
	}
	return all.causes, all.lines
}
