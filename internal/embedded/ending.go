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

// ending says how long the parts of a daemon may take to end, one after another.
type ending struct {
	steps    time.Duration // until no step of a build runs
	builder  time.Duration // then, until buildkitd has ended by itself
	registry time.Duration // then, until requests under way are answered
	kill     bool          // end the steps, rather than wait for them
}

var (
	// leisurely is the end when the last client has gone: nobody waits for it, and steps of cancelled solves end by themselves.
	leisurely = ending{steps: stepLimit, builder: stopLimit, registry: drain}
	// prompt is the end that somebody asks for by a signal: all of it within 2 s. Steps are killed, so that buildkitd takes their
	// mounts away; whatever else it is at is cut off, which its state and the registry's survive as they survive a crash.
	prompt = ending{steps: 600 * time.Millisecond, builder: 600 * time.Millisecond, registry: 200 * time.Millisecond, kill: true}
)

// process is what Linux tells everybody of a process: proc_pid_status(5).
type process struct {
	pid, parent int
	name        string
	depth       int // how many PID namespaces it is in, as seen from here
}

// hurry kills the steps of a buildkitd, and those that it may still begin, until it is told to stop.
func hurry(buildkitd int) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(stepPoll)
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

// killSteps kills the processes that runc has started below buildkitd: each is a step, whose other processes end with it.
func killSteps(buildkitd int) {
	all := processes()
	for _, p := range all {
		by, ok := all[p.parent]
		if ok && by.name == "runc" && (p.name != "runc" || p.depth > by.depth) && descends(all, p.pid, buildkitd) {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

// descends reports whether the process pid was started by the process from, or by one that descends from it. Our own process does not
// descend from buildkitd, which it started.
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
