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

// logLines is how many of a failed step's last lines an error repeats.
const logLines = 10

// Progress shows the solves of one command in one display, and remembers what steps said.
type Progress struct {
	printer progresswriter.Writer
	multi   *progresswriter.MultiWriter
	held    progresswriter.Writer

	mu    sync.Mutex
	names map[digest.Digest]string
	logs  map[digest.Digest]*tail
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

// Close ends the display and waits until all is shown.
func (p *Progress) Close() error {
	close(p.held.Status())
	<-p.printer.Done()
	return p.printer.Err()
}

// channel gives a solve somewhere to report to. done is closed when all that it reported has been taken.
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
	for _, l := range s.Logs {
		if p.logs[l.Vertex] == nil {
			p.logs[l.Vertex] = &tail{rest: map[int]string{}}
		}
		p.logs[l.Vertex].write(l.Stream, string(l.Data))
	}
}

// step gives the name and the last lines of a vertex.
func (p *Progress) step(vertex digest.Digest) (name string, lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if log := p.logs[vertex]; log != nil {
		lines = log.last()
	}
	return p.names[vertex], lines
}

// tail is the end of what a step has printed, by lines. A program's write may end anywhere in one, and its two streams come in turns.
type tail struct {
	lines []string
	rest  map[int]string // what each stream has of a line that has not ended
}

// longestLine is how much is kept of a line that does not end.
const longestLine = 4096

func (t *tail) write(stream int, text string) {
	lines := strings.Split(t.rest[stream]+text, "\n")
	rest := lines[len(lines)-1]
	t.rest[stream] = rest[max(0, len(rest)-longestLine):]
	t.add(lines[:len(lines)-1]...)
}

func (t *tail) add(lines ...string) {
	t.lines = append(t.lines, lines...)
	t.lines = t.lines[max(0, len(t.lines)-logLines):]
}

// last gives the last lines, those that have not ended at the end.
func (t *tail) last() []string {
	all := tail{lines: slices.Clone(t.lines)}
	for _, stream := range slices.Sorted(maps.Keys(t.rest)) {
		if t.rest[stream] != "" {
			all.add(t.rest[stream])
		}
	}
	return all.lines
}
