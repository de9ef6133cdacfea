package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// bench holds what all parts share: a directory, the programs, and a registry with a Debian base.
type bench struct {
	runs     int
	against  string // path of an earlier client
	dir      string
	binaries testenv.Binaries
	registry *testenv.Registry
	base     baseImage
}

// newBench builds the programs and starts the registry. It fails if the disk has too little space for the parts.
func newBench(ctx context.Context, o options) (_ *bench, err error) {
	if os.Getuid() != 0 {
		return nil, errors.New("a builder needs root: run as root")
	}
	if err := checkSpace(o); err != nil {
		return nil, err
	}
	b := &bench{runs: o.runs, against: o.against}
	if b.dir, err = os.MkdirTemp(o.dir, "rtbuild-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	b.say("building the client and BuildKit's programs")
	if b.binaries, err = testenv.Build(ctx, filepath.Join(b.dir, "bin")); err != nil {
		return nil, err
	}
	if err := os.Mkdir(b.home(), 0o700); err != nil {
		return nil, err
	}
	if b.registry, err = testenv.StartRegistry(ctx, filepath.Join(b.dir, "registry")); err != nil {
		return nil, err
	}
	b.say("pushing a Debian base to the registry")
	b.base, err = b.pushBase(ctx)
	return b, err
}

// Close stops the registry and removes everything.
func (b *bench) Close() error {
	if b.registry != nil {
		b.registry.Close()
	}
	return os.RemoveAll(b.dir)
}

// home returns the home directory of all processes, which has no settings.
func (b *bench) home() string { return filepath.Join(b.dir, "home") }

// say prints a progress message.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// checkSpace returns an error if the disk has too little space for the parts.
func checkSpace(o options) error {
	var need int64
	for _, p := range o.only {
		if p.keeps {
			need += p.disk * int64(o.runs-1)
		}
		need += p.disk
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(o.dir, &fs); err != nil {
		return fmt.Errorf("checking the free space of %s: %w", o.dir, err)
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < need {
		return fmt.Errorf("%s has %s free, but the benchmark needs %s: free some space, or pass another -dir", o.dir, size(free), size(need))
	}
	return nil
}
