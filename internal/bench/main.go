// Command bench measures rtbuild's speed and memory against its goals, and against the same work without rtbuild: an edit with
// a Dockerfile, a digest with Debian's python3-dirhash. The contenders run in turns and are compared pair by pair, so that a
// slow phase of the machine affects both. It is not a test: a goal that is missed is only printed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// parts lists what can be measured, cheap parts first.
var parts = []part{
	{"none", "solve when the source image exists", 1 << 30, measureNone, false},
	{"tags", "tags of 20,000 files", 1 << 30, measureTags, false},
	{"lock", "a source edit on a deps image of 1 GB", 6 << 30, measureLock, false},
	{"frontend", "the frontend image through docker buildx", 12 << 30, measureFrontend, false},
	{"openhands", "the openhands image from scratch", 14 << 30, measureOpenhands, false},
	{partRelease, "the published OpenHands while it changes", 40 << 30, measureRelease, true},
	{partBytecode, "the published OpenHands with byte code and without", 60 << 30, measureBytecode, true},
	{"size", "a source edit on deps images of 0.1 and 4 GB", 6 << 30, measureSize, false},
	{partCompression, "gzip against other compressions", 6 << 30, measureCompression, false},
	{partBefore, "the same by an earlier client", 1 << 30, measureBefore, false},
}

// Parts that are measured only if -only names them: partBefore needs -against, partCompression compares no builds, partRelease and
// partBytecode take a quarter of an hour a run.
const (
	partBefore      = "before"
	partRelease     = "release"
	partBytecode    = "bytecode"
	partCompression = "compression"
)

// part is a group of measurements.
type part struct {
	name, title string
	disk        int64 // bytes of disk space that it needs
	measure     func(context.Context, *bench) ([]row, error)
	keeps       bool // its builders keep their states, so each run needs the space
}

// options holds the flags.
type options struct {
	runs int
	only []part
	dir  string

	against string // an earlier client; may be empty
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == peakCommand {
		os.Exit(peakOf(os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.runs, "n", 3, "`runs` of each contender; the median counts")
	standard := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.Contains([]string{partBefore, partCompression, partRelease, partBytecode}, name)
	})
	only := flags.String("only", strings.Join(standard, ","), "`parts` to measure")
	flags.StringVar(&o.against, "against", "", "earlier `client` to compare with, by the part "+partBefore)
	flags.StringVar(&o.dir, "dir", os.TempDir(), "`directory` for temporary files, removed at the end")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.runs < 1 || flags.NArg() > 0 {
		return o, fmt.Errorf("usage: bench [-n RUNS] [-only %s] [-against CLIENT] [-dir DIRECTORY]", strings.Join(names, ","))
	}
	for name := range strings.SplitSeq(*only, ",") {
		i := slices.Index(names, name)
		if i < 0 {
			return o, fmt.Errorf("invalid -only %q: choose from %s", name, strings.Join(names, ","))
		}
		o.only = append(o.only, parts[i])
	}
	return o, nil
}

// run measures the chosen parts and prints one table.
func run(ctx context.Context, out io.Writer, args []string) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := b.Close(); err == nil {
			err = closeErr
		}
	}()
	var table []row
	for _, p := range o.only {
		b.say("%s: %s", p.name, p.title)
		rows, err := p.measure(ctx, b)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("measuring %s: %w", p.name, err)
		}
		table = append(table, rows...)
	}
	text, err := facts(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n%d runs of each in turns; medians, ratios pair by pair with their range\n\n", text, o.runs)
	return printTable(out, table)
}
