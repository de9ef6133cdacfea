package embedded

import (
	"errors"
	"net"
	"os"
	"syscall"
)

// The private pair needs these calls of Linux. On other systems they are in system_other.go, and nothing reaches them.

// newGroup puts a process in its own group, and lets the kernel kill it when this process ends.
func newGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// newSession puts a process in its own session.
func newSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// sendSignal sends a signal to a process, or to a group if pid is negative.
func sendSignal(pid int, s syscall.Signal) { _ = syscall.Kill(pid, s) }

// lockFile locks a file, and waits for other holders.
func lockFile(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	for errors.Is(err, syscall.EINTR) {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
	}
	return err
}

// socketPair returns the two ends of a connection: one for this process, one for the daemon.
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

// closeOnExec keeps an inherited file from this process's children.
func closeOnExec(fd int) { syscall.CloseOnExec(fd) }

// ours reports whether this user owns a file.
func ours(fi os.FileInfo) bool {
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}

// replaceProcess runs a program in the place of this process. It returns only if that fails.
func replaceProcess(program string, argv []string) error {
	return syscall.Exec(program, argv, os.Environ()) //nolint:gosec // installRunc sets the program
}
