package embedded

import (
	"context"
	"errors"
)

// Status describes the private pair.
type Status struct {
	Registry    string `json:"registry"`          // host and port
	Running     bool   `json:"running"`           // a daemon runs
	PID         int    `json:"pid,omitempty"`     // its process
	Builder     string `json:"builder,omitempty"` // buildkitd's address, if it runs
	State, Data string `json:"-"`
	Problem     error  `json:"-"` // why a daemon cannot run, such as ErrPortTaken; nil if it can
}

// Inspect returns the status of the private pair without starting it. It returns an error if the directories or the port are
// unknown.
func Inspect(ctx context.Context, opt Options) (*Status, error) {
	h, err := supportedHome(opt)
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
	// A daemon that is stopping may still have the port.
	waiting, cancel := context.WithTimeout(ctx, stepLimit+stopLimit+registryStopLimit)
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

// Address returns the host and port that the private registry has, or would have if it ran. It is empty if this user cannot have
// one. used reports whether the registry has had this address: before, another program may have the port.
func Address(ctx context.Context, opt Options) (address string, used bool, err error) {
	h, err := supportedHome(opt)
	if errors.Is(err, errNoHome) || errors.Is(err, errNotLinux) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	lease, err := join(ctx, h, opt)
	if err != nil { // Acquire returns the error if the caller needs the registry
		return h.registry(), h.port.kept, nil
	}
	return lease.Registry(), true, lease.Close()
}

// Needs checks everything that the private builder needs on this machine.
func Needs(opt Options) []Need { return currentHost().needs(opt) }
