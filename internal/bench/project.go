package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The source of a medium-sized agent: 300 files, 3 MB.
const (
	sourceFiles    = 300
	sourceFileSize = 10_000
)

// project is a node project with source files. It has no dependencies; pushDeps makes its deps image.
type project struct {
	bench           *bench
	dir, repository string
	edits           int
}

// newProject creates a project whose repository has its name.
func (b *bench) newProject(name string) (*project, error) {
	p := &project{bench: b, dir: filepath.Join(b.dir, name), repository: b.registry.Host + "/" + name}
	if err := os.MkdirAll(filepath.Join(p.dir, "src"), 0o755); err != nil {
		return nil, err
	}
	files := map[string]string{
		"package.json":      `{"name":"agent","version":"1.0.0","main":"src/000.js"}`,
		"package-lock.json": `{"name":"agent","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"agent","version":"1.0.0"}}}`,
	}
	for i := range sourceFiles {
		line := fmt.Sprintf("exports.f%d = x => x + %d\n", i, i)
		files[fmt.Sprintf("src/%03d.js", i)] = strings.Repeat(line, sourceFileSize/len(line))
	}
	for file, content := range files {
		if err := writeSource(filepath.Join(p.dir, file), content); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// edit gives the source a new content.
func (p *project) edit() error {
	p.edits++
	content := fmt.Sprintf("exports.edit = %d // %s\n", p.edits, time.Now())
	return writeSource(filepath.Join(p.dir, "src", "000.js"), content)
}

// writeSource writes a source file, in directories that it creates.
func writeSource(file, content string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(content), 0o644)
}

// args returns the client's arguments for a command on the project.
func (p *project) args(command string, more ...string) []string {
	args := []string{command, p.dir, "--base-image", p.bench.base.ref, "--repository", p.repository}
	return append(args, more...)
}

// solve runs the client's solve command, and returns the time that it takes.
func (p *project) solve(ctx context.Context, builder string) (time.Duration, error) {
	return p.run(ctx, builder, p.bench.binaries.Client, "solve", "--progress", "plain")
}
