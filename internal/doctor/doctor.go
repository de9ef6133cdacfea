// Package doctor checks what a solve needs: a builder that can merge layers, the programs of the private builder, certificate
// authorities, credentials, and the right to push. Each check gives findings that say what to do; none changes anything.
package doctor

import (
	"context"
	"os"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
)

// Status is how a check ended.
type Status string

// All statuses.
const (
	OK      Status = "ok"
	Missing Status = "missing" // a solve with the same flags needs it
	Note    Status = "note"    // worth knowing, but not needed
)

// Finding is what one check found.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found,omitempty"`
	Hint   string `json:"hint,omitempty"` // what to do
}

// Options say what a solve would use.
type Options struct {
	Builder     builders.Options
	Destination destination.Options // an empty Repository is not checked; Builder is ignored
}

// Report is what all checks found.
type Report struct {
	Findings   []Finding
	Note       string // what the user should know of how the builder was chosen; empty if there is nothing
	Builder    error  // why a solve would have no builder; nil if it would have one
	Repository error  // why a solve could not push; a *PushError if the registry was asked. Nil if it could, or if none is named
}

// PushError says that a repository cannot be pushed to. Its text is that of the cause.
type PushError struct{ Err error }

// Error returns the text of the cause.
func (e *PushError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PushError) Unwrap() error { return e.Err }

// Run makes all checks. If the private builder would be used and seems complete, it is started: that is the only proof.
func Run(ctx context.Context, o Options) Report {
	var r Report
	private := o.privateRegistry(ctx) // before the check of the builder starts it
	r.Findings, r.Note, r.Builder = o.builder(ctx)
	r.Findings = append(r.Findings, authorities(o.Destination.CAFile), private)
	r.Findings = append(r.Findings, credentials(os.Getenv("PATH"))...)
	if o.Destination.Repository != "" {
		r.Repository = o.mayPush(ctx)
		r.Findings = append(r.Findings, repository(o.Destination.Repository, r.Repository))
	}
	return r
}

// missing is the finding of a check that failed.
func missing(name, found string, err error) Finding {
	return Finding{Name: name, Status: Missing, Found: found, Hint: err.Error()}
}
