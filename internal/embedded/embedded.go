// Package embedded runs the private builder and registry that rtbuild uses where no buildkitd is named: one buildkitd
// and one registry per user, shared by every client that runs meanwhile, stopped by the last.
package embedded

import "context"

// Options says where things live and how the private daemons are run. Zero values take the user's directories.
type Options struct {
	Dir string // data and state; default $XDG_DATA_HOME/rtbuild
	Log func(string)
}

// Lease keeps the private registry and builder alive until it is closed.
type Lease struct{}

// Acquire connects to the running daemon or starts one. The registry answers when it returns.
func Acquire(ctx context.Context, opt Options) (*Lease, error) { panic("not yet") }

// Registry is the registry's host and port, on loopback.
func (l *Lease) Registry() string { panic("not yet") }

// Builder starts the private buildkitd if it does not run and gives its address when it answers.
func (l *Lease) Builder(ctx context.Context) (string, error) { panic("not yet") }

// Close gives the lease back.
func (l *Lease) Close() error { panic("not yet") }
