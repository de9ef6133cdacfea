package embedded

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ending are the time limits for stopping the parts of a daemon, one after another.
type ending struct {
	steps    time.Duration // until no build step runs
	builder  time.Duration // then, until buildkitd has ended
	registry time.Duration // then, until the registry's running requests have ended
	kill     bool          // kill the steps instead of waiting for them
}

var (
	// graceful is for a daemon whose last client has left: nobody waits for it, and the steps of cancelled solves end by themselves.
	graceful = ending{steps: stepLimit, builder: stopLimit, registry: registryStopLimit}
	// quick is for a daemon that gets a signal: everything ends within 2 s. It kills the steps, so that buildkitd removes their
	// mounts. Other work is cut off. The state of buildkitd and of the registry survives that, as it survives a crash.
	quick = ending{steps: 600 * time.Millisecond, builder: 600 * time.Millisecond, registry: 200 * time.Millisecond, kill: true}
)

// process is a process in /proc: proc_pid_status(5).
type process struct {
	pid, parent int
	name        string
	depth       int // the number of its nested PID namespaces
}

// killPause is the time between two looks for steps.
const killPause = 50 * time.Millisecond

// keepKillingSteps kills the steps of a buildkitd, including those that it still starts, until stop is called. Linux reports the
// start of a process to root alone (netlink's process connector), so keepKillingSteps looks again and again.
func keepKillingSteps(buildkitd int) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(killPause)
		defer ticker.Stop()
		for {
			killSteps(buildkitd)
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// killSteps kills the processes that runc has started below buildkitd. Each is the first process of a step: the others end with
// it.
func killSteps(buildkitd int) {
	all := processes()
	for _, p := range all {
		by, ok := all[p.parent]
		if ok && by.name == "runc" && (p.name != "runc" || p.depth > by.depth) && descends(all, p.pid, buildkitd) {
			sendSignal(p.pid, syscall.SIGKILL)
		}
	}
}

// descends reports whether the process pid is a descendant of the process from.
func descends(all map[int]process, pid, from int) bool {
	for range len(all) {
		p, ok := all[pid]
		if !ok || p.parent == from {
			return ok
		}
		pid = p.parent
	}
	return false
}

func processes() map[int]process {
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	all := map[int]process{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		p := readProcess(data)
		all[p.pid] = p
	}
	return all
}

func readProcess(status []byte) process {
	var p process
	lines := bufio.NewScanner(bytes.NewReader(status))
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch value = strings.TrimSpace(value); key {
		case "Name":
			p.name = value
		case "Pid":
			p.pid, _ = strconv.Atoi(value)
		case "PPid":
			p.parent, _ = strconv.Atoi(value)
		case "NSpid":
			p.depth = len(strings.Fields(value))
		}
	}
	return p
}
