package main

import (
	"context"
	"errors"
	"time"
)

// measureBefore compares this client with an earlier one, which -against names. It shows what a change costs or saves.
func measureBefore(ctx context.Context, b *bench) ([]row, error) {
	if b.against == "" {
		return nil, errors.New("no earlier client: build one from the commit to compare with, and pass -against CLIENT")
	}
	p, err := b.newProject("before")
	if err != nil {
		return nil, err
	}
	if err := b.pushDeps(ctx, p, smallSize); err != nil {
		return nil, err
	}
	builder, stop, err := b.freshBuilder(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stop() }()
	var rows []row
	for _, one := range []struct {
		what string
		edit bool
		args []string
	}{
		{"source edit: the earlier client", true, []string{"solve", "--progress", "plain"}},
		{"nothing to do: the earlier client", false, []string{"solve"}},
		{"tags of 300 files: the earlier client", false, []string{"tags"}},
	} {
		run := func(client string) contender {
			return contender{one.what, func(ctx context.Context) (sample, error) {
				if one.edit {
					if err := p.edit(); err != nil {
						return sample{}, err
					}
				}
				took, err := p.run(ctx, builder.Addr, client, one.args...)
				return sample{wall: took}, err
			}}
		}
		all, err := b.inTurns(ctx, b.runs, run(b.binaries.Client), run(b.against))
		if err != nil {
			return nil, err
		}
		rows = append(rows, atMost(1.05, "1.05").compare(one.what, each(all[0], wall), each(all[1], wall)))
	}
	return rows, nil
}

// run runs a client's command on the project.
func (p *project) run(ctx context.Context, builder, client string, command ...string) (time.Duration, error) {
	took, _, err := p.bench.process(ctx, builder, client, p.args(command[0], command[1:]...)...)
	return took, err
}
