package embedded

import (
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a process that the kernel kills when this process ends.
type child struct {
	pid  int
	done chan struct{} // closed when it has ended
	err  error         // its exit error; read it after done
}

// startChild starts a process in its own process group, so that it gets no Ctrl-C from the terminal.
func startChild(cmd *exec.Cmd) (*child, error) {
	cmd.SysProcAttr = newGroup()
	c := &child{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends the death signal when the thread that started the process ends, not when the process does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			c.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	return c, <-started
}

// stop sends SIGTERM to the process, and SIGKILL to its group after the limit.
func (c *child) stop(limit time.Duration) {
	sendSignal(c.pid, syscall.SIGTERM)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.done:
		return
	case <-timer.C:
	}
	sendSignal(-c.pid, syscall.SIGKILL)
	<-c.done
}
