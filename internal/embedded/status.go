package embedded

import (
	"context"
	"errors"
)

// Status is what is known of the private pair without starting it.
type Status struct {
	Registry    string `json:"registry"`          // host and port
	Running     bool   `json:"running"`           // a daemon runs
	PID         int    `json:"pid,omitempty"`     // its process
	Builder     string `json:"builder,omitempty"` // buildkitd's address, if it runs
	State, Data string `json:"-"`
	Problem     error  `json:"-"` // why a daemon could not run, ErrPortTaken for instance; nil if it could
}

// Inspect looks at the private pair. It fails if it cannot tell where it would be.
func Inspect(ctx context.Context, opt Options) (*Status, error) {
	h, err := newHome(opt)
	if err != nil {
		return nil, err
	}
	s := &Status{Registry: h.registry(), State: h.state, Data: h.data}
	lease, err := join(ctx, h, opt)
	if err == nil {
		defer lease.Close()
		s.Registry, s.Running, s.PID, s.Builder = lease.Registry(), true, lease.hello.PID, lease.hello.Builder
		return s, nil
	}
	if !errors.Is(err, errNoDaemon) {
		s.Problem = err
		return s, nil
	}
	// A daemon that is stopping still has the port.
	waiting, cancel := context.WithTimeout(ctx, stepLimit+stopLimit+drain)
	defer cancel()
	if s.Problem = waitUnlocked(waiting, h.daemonLock()); s.Problem != nil {
		return s, nil
	}
	listener, err := h.listen(ctx)
	s.Registry = h.registry()
	if err != nil {
		s.Problem = err
		return s, nil
	}
	return s, listener.Close()
}

// Address is where the private registry is, or would be if it ran: host and port. It is empty if this user cannot have one.
// Used tells whether it has been there: until then its port may still be another program's.
func Address(ctx context.Context, opt Options) (address string, used bool, err error) {
	h, err := newHome(opt)
	if errors.Is(err, errNoHome) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	lease, err := join(ctx, h, opt)
	if err != nil { // whoever needs it is told why
		return h.registry(), h.port.kept, nil
	}
	return lease.Registry(), true, lease.Close()
}

// Needs is what the private builder needs on this machine, each with what to do if it is not there.
func Needs(opt Options) []Need { return thisHost().needs(opt) }
