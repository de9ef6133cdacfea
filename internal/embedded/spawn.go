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
)

// inheritedEnv is set for a background daemon, which inherits its first lease and the start lock.
const inheritedEnv = "RTBUILD_INHERITED_LEASE"

// File descriptors that a background daemon inherits.
const (
	leaseFD = 3
	startFD = 4
)

// spawn starts a background daemon, and returns the lease that the daemon inherits. The daemon inherits the start lock, too. So the
// lock is held until the daemon serves, even if this process is killed meanwhile.
func spawn(ctx context.Context, h *home, opt Options, start *lock) (*Lease, error) {
	if len(opt.Command) == 0 {
		return nil, errNoDaemon
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("creating a lease: %w", err)
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

// run starts the daemon's process in its own session, so that it survives the terminal and gets no Ctrl-C.
func run(h *home, opt Options, inherited ...*os.File) error {
	log, err := newLog(h.daemonLog())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(opt.Command[0], opt.Command[1:]...)
	cmd.Dir = "/" // the working directory may be removed
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = inherited
	cmd.SysProcAttr = newSession()
	cmd.Env = append(os.Environ(), inheritedEnv+"=1")
	if h.port.named {
		cmd.Env = append(cmd.Env, PortEnv+"="+strconv.Itoa(h.port.number))
	}
	// The daemon has another working directory, so it needs absolute paths.
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
	go func() { _ = cmd.Wait() }() // leaves no zombie process
	return nil
}

// fileConn returns the connection of a file that is a socket, and closes the file.
func fileConn(file *os.File) (net.Conn, error) {
	defer file.Close()
	return net.FileConn(file)
}

// inherited returns the lease and the start lock that this process inherited from a client, or nil if it is not a background
// daemon.
func inherited() (*peer, *lock, error) {
	if os.Getenv(inheritedEnv) == "" {
		return nil, nil, nil
	}
	_ = os.Unsetenv(inheritedEnv) // child processes must not get it
	closeOnExec(startFD)
	start := &lock{os.NewFile(startFD, "start.lock")}
	conn, err := fileConn(os.NewFile(leaseFD, "lease"))
	if err != nil {
		start.release()
		return nil, nil, fmt.Errorf("taking over the first lease: %w", err)
	}
	return newPeer(conn), start, nil
}
