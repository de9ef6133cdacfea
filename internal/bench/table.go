package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// row is a line of the table. Empty fields do not apply.
type row struct{ what, ours, theirs, ratio, wanted, holds string }

// goal is a condition that a figure should meet.
type goal struct {
	text  string
	holds func(float64) bool
}

func atMost(limit float64, text string) goal {
	return goal{"<= " + text, func(v float64) bool { return v <= limit }}
}

func atLeast(limit float64, text string) goal {
	return goal{">= " + text, func(v float64) bool { return v >= limit }}
}

func below(limit float64, text string) goal {
	return goal{"< " + text, func(v float64) bool { return v < limit }}
}

// judge fills in the goal and whether the figure meets it.
func (g goal) judge(r row, figure float64) row {
	r.wanted, r.holds = g.text, "NO"
	if g.holds(figure) {
		r.holds = "yes"
	}
	return r
}

// compare returns a row whose ratio is ours to theirs.
func (g goal) compare(what string, ours, theirs []float64) row {
	return g.ratio(row{what, seconds(median(ours)), seconds(median(theirs)), "", "", ""}, quotients(ours, theirs))
}

// sizes returns a row of bytes whose ratio is ours to theirs.
func (g goal) sizes(what string, ours, theirs []float64) row {
	return g.ratio(row{what, size(int64(median(ours))), size(int64(median(theirs))), "", "", ""}, quotients(ours, theirs))
}

// faster returns a row whose ratio is theirs to ours.
func (g goal) faster(what string, ours, theirs []float64) row {
	return g.ratio(row{what, seconds(median(ours)), seconds(median(theirs)), "", "", ""}, quotients(theirs, ours))
}

func (g goal) ratio(r row, ratios []float64) row {
	return g.judge(withRatio(r, ratios), median(ratios))
}

// withRatio fills in the median ratio and its range.
func withRatio(r row, ratios []float64) row {
	r.ratio = fmt.Sprintf("%.2f (%.2f..%.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
	return r
}

func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

// size formats a number of bytes in decimal units.
func size(bytes int64) string {
	switch n := float64(bytes); {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", n/1e6)
	default:
		return fmt.Sprintf("%.0f kB", n/1e3)
	}
}

func printTable(out io.Writer, table []row) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tours\ttheirs\tratio\twanted\tholds")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.ours, r.theirs, r.ratio, r.wanted, r.holds)
	}
	return w.Flush()
}
