//go:build !linux

package embedded

import (
	"net"
	"os"
	"syscall"
)

// newGroup changes nothing: only Linux runs children of the private pair.
func newGroup() *syscall.SysProcAttr { return nil }

// newSession changes nothing.
func newSession() *syscall.SysProcAttr { return nil }

// sendSignal sends nothing.
func sendSignal(int, syscall.Signal) {}

// lockFile refuses: only Linux has the private pair.
func lockFile(*os.File) error { return errNotLinux }

// socketPair refuses.
func socketPair() (net.Conn, *os.File, error) { return nil, nil, errNotLinux }

// closeOnExec does nothing.
func closeOnExec(int) {}

// ours reports false, so that no directory is trusted.
func ours(os.FileInfo) bool { return false }

// replaceProcess refuses.
func replaceProcess(string, []string) error { return errNotLinux }
