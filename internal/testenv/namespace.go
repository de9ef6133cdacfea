package testenv

import (
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Namespace is an isolated network with only a loopback device. Processes inside can reach only listeners inside.
type Namespace struct{ file *os.File }

// NewNamespace creates a network, which needs root. The network exists until Close, and as long as a process is in it.
func NewNamespace() (*Namespace, error) {
	n := &Namespace{}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making a network namespace: %w", err)
		}
		if err := loopbackUp(); err != nil {
			return fmt.Errorf("setting up the loopback device: %w", err)
		}
		var err error
		n.file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return n, err
}

// Close releases the network.
func (n *Namespace) Close() error { return n.file.Close() }

// Listen listens inside. The caller can serve the connections from outside.
func (n *Namespace) Listen(address string) (net.Listener, error) {
	var listener net.Listener
	err := onThread(func() error {
		if err := n.enter(); err != nil {
			return err
		}
		var err error
		listener, err = net.Listen("tcp", address)
		return err
	})
	return listener, err
}

// enter moves the calling thread into the network.
func (n *Namespace) enter() error {
	if n == nil {
		return nil
	}
	if err := unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering a network namespace: %w", err)
	}
	return nil
}

// onThread runs a function on a new thread, which then ends, because the function may change its namespace.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

func loopbackUp() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request)
}
