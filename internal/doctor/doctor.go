// Package doctor checks what a solve needs: a builder that can merge layers, the programs of the private builder, certificate
// authorities, credentials, and the right to push. Each check returns findings that say what to do. No check changes anything.
package doctor

import (
	"context"
	"os"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/destination"
)

// Status is the result of a check.
type Status string

// All statuses.
const (
	OK      Status = "ok"
	Missing Status = "missing" // a solve with the same flags needs it
	Note    Status = "note"    // worth knowing, but not needed
)

// Finding is the result of one check, with details.
type Finding struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Found  string `json:"found,omitempty"`
	Hint   string `json:"hint,omitempty"` // what is wrong, and what to do
}

// Options are those of the solve to check.
type Options struct {
	Builder     builders.Options
	Destination destination.Options // Builder is ignored; an empty Repository is not checked
}

// Report is the result of all checks.
type Report struct {
	Findings   []Finding
	Note       string // how the builder was chosen, if the user should know; may be empty
	Builder    error  // why a solve would have no builder; nil if it would have one
	Repository error  // why a solve could not push, a *PushError if the registry refused; nil if it could, or without a repository
}

// PushError says that a repository cannot be pushed to. Its text is that of the cause.
type PushError struct{ Err error }

// Error returns the text of the cause.
func (e *PushError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PushError) Unwrap() error { return e.Err }

// Run makes all checks. If a solve would use the private builder, and nothing that it needs is missing, Run starts it to prove
// that it works.
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

// missing returns the finding of a check that failed.
func missing(name, found string, err error) Finding {
	return Finding{Name: name, Status: Missing, Found: found, Hint: err.Error()}
}
