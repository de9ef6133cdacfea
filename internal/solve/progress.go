package solve

import (
	"context"
	"os"
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
	logs  map[digest.Digest][]string
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
		names: map[digest.Digest]string{}, logs: map[digest.Digest][]string{},
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
		lines := append(p.logs[l.Vertex], strings.Split(strings.TrimRight(string(l.Data), "\n"), "\n")...)
		p.logs[l.Vertex] = lines[max(0, len(lines)-logLines):]
	}
}

// step gives the name and the last lines of a vertex.
func (p *Progress) step(vertex digest.Digest) (name string, lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names[vertex], p.logs[vertex]
}
