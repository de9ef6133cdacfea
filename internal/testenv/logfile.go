package testenv

import (
	"bufio"
	"strings"
	"sync"
)

// logFile keeps what a daemon logs.
type logFile struct {
	mu  sync.Mutex
	log strings.Builder
}

// follow reads lines until the daemon ends. It closes told when a line contains a text for the first time.
func (l *logFile) follow(lines *bufio.Scanner, text string, told chan struct{}) {
	lines.Buffer(nil, 1<<20)
	found := false
	for lines.Scan() {
		l.mu.Lock()
		l.log.WriteString(lines.Text() + "\n")
		l.mu.Unlock()
		if !found && strings.Contains(lines.Text(), text) {
			found = true
			close(told)
		}
	}
}

// text returns the log so far.
func (l *logFile) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.log.String()
}
