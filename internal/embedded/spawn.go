package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// inheritedEnv tells a background daemon that it inherits its first lease and the start lock.
const inheritedEnv = "RTBUILD_INHERITED_LEASE"

// File descriptors that a background daemon inherits.
const (
	leaseFD = 3
	startFD = 4
)

// spawn starts a background daemon and gives the lease that it inherits. The daemon shares the start lock, so it stays
// taken until the daemon serves, even if we are killed meanwhile.
func spawn(ctx context.Context, h *home, opt Options, start *lock) (*Lease, error) {
	if len(opt.Command) == 0 {
		return nil, errNoDaemon
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("making a lease: %w", err)
	}
	err = run(h, opt, theirs, start.file)
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("starting %s: %w", strings.Join(opt.Command, " "), err)
	}
	l, err := newLease(ctx, newPeer(ours), h, opt)
	if errors.Is(err, errNoDaemon) {
		err = fmt.Errorf("%s ended before it served; its log is %s%s: %w", strings.Join(opt.Command, " "), h.daemonLog(), tail(h.daemonLog()), ErrGone)
	}
	return l, err
}

// run starts the daemon's process in a session of its own, so that it outlives our terminal and its Ctrl-C.
func run(h *home, opt Options, inherited ...*os.File) error {
	log, err := newLog(h.daemonLog())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(opt.Command[0], opt.Command[1:]...)
	cmd.Dir = "/" // the directory we are in can go away
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = inherited
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Env = append(os.Environ(), inheritedEnv+"=1")
	if h.port.named {
		cmd.Env = append(cmd.Env, PortEnv+"="+strconv.Itoa(h.port.number))
	}
	// Relative paths mean another place to the daemon.
	if opt.dir() != "" {
		cmd.Env = append(cmd.Env, HomeEnv+"="+filepath.Dir(h.state))
	}
	if named := namedBuildkitd(opt); named != "" {
		path, err := filepath.Abs(named)
		if err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, BuildkitdEnv+"="+path)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // no zombie while we live
	return nil
}

// socketPair gives two ends of a connection: one to use, one to hand on.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "lease"), os.NewFile(uintptr(fds[1]), "lease")
	conn, err := fileConn(ours)
	if err != nil {
		_ = theirs.Close()
	}
	return conn, theirs, err
}

// fileConn takes over a file that is a socket.
func fileConn(file *os.File) (net.Conn, error) {
	defer file.Close()
	return net.FileConn(file)
}

// inherited gives the lease and the start lock that a client handed to us, or nil where we were started by hand.
func inherited() (*peer, *lock, error) {
	if os.Getenv(inheritedEnv) == "" {
		return nil, nil, nil
	}
	_ = os.Unsetenv(inheritedEnv) // it is not for our children
	syscall.CloseOnExec(startFD)
	start := &lock{os.NewFile(startFD, "start.lock")}
	conn, err := fileConn(os.NewFile(leaseFD, "lease"))
	if err != nil {
		start.release()
		return nil, nil, fmt.Errorf("taking over the first lease: %w", err)
	}
	return newPeer(conn), start, nil
}
