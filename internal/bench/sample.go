package main

import (
	"context"
	"slices"
	"time"
)

// sample is the measured cost of one run.
type sample struct {
	wall   time.Duration
	disk   int64 // growth of the builder's state, in bytes
	pulled int64 // bytes pulled from the registry
	sent   int64 // bytes pushed to the registry
}

// contender is one of the programs that are compared.
type contender struct {
	name string
	run  func(context.Context) (sample, error)
}

// inTurns runs the contenders n times in turns, A B C A B C, and returns each one's samples.
func (b *bench) inTurns(ctx context.Context, n int, contenders ...contender) ([][]sample, error) {
	samples := make([][]sample, len(contenders))
	for range n {
		for i, c := range contenders {
			s, err := c.run(ctx)
			if err != nil {
				return nil, err
			}
			b.say("  %-20s %7.0f ms", c.name, float64(s.wall)/1e6)
			samples[i] = append(samples[i], s)
		}
	}
	return samples, nil
}

func wall(s sample) float64   { return s.wall.Seconds() }
func disk(s sample) float64   { return float64(s.disk) }
func pulled(s sample) float64 { return float64(s.pulled) }
func sent(s sample) float64   { return float64(s.sent) }

// each returns one figure of every sample.
func each(samples []sample, figure func(sample) float64) []float64 {
	var all []float64
	for _, s := range samples {
		all = append(all, figure(s))
	}
	return all
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// quotients divides pair by pair.
func quotients(a, b []float64) []float64 {
	var all []float64
	for i := range a {
		all = append(all, a[i]/b[i])
	}
	return all
}
