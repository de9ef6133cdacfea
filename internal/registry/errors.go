package registry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What can stand between us and an image. Each *Error wraps exactly one of them.
var (
	ErrAbsent      = errors.New("not found")                   // 404, or the name is unknown to the registry
	ErrNoPlatform  = errors.New("not there for this platform") // the tag exists, the platform does not
	ErrDenied      = errors.New("access denied")               // 401, 403
	ErrImmutable   = errors.New("the tag may not be moved")    // 409, 412, or in words: the tag stays at what it points to
	ErrThrottled   = errors.New("too many requests")           // 429 after all retries
	ErrUnreachable = errors.New("unreachable")                 // DNS, TCP, TLS, timeout, 5xx after all retries
	ErrBroken      = errors.New("broken answer")               // an answer that is no manifest, index or config
)

// Error says what was asked of a registry, what came of it and what to do next. errors.Is tells the kinds apart by the
// sentinels of this package; a context's end is never an Error.
type Error struct {
	Doing      string // what was being done: "looking up"
	Registry   string // as the reference names it: docker.io
	Repository string // without the registry: library/debian
	Reference  string // the tag or digest; empty where a repository was asked about
	Status     int    // the HTTP status that decided; 0 if there was none
	Message    string // the registry's own words, if it had any, in one line
	Advice     string // what to do next
	Err        error  // exactly one of this package's sentinels
	Cause      error  // what else is known, for instance the connection's error; may be nil

	code      string        // the registry's own, such as TAG_INVALID
	tried     []string      // what the mirrors said that were asked first, one line each
	transient bool          // worth another try
	after     time.Duration // how long the registry asks to be left alone
}

// Error gives one line that says everything, and one more for each mirror that was asked before.
func (e *Error) Error() string {
	parts := []string{e.Doing + " " + e.subject(), e.Err.Error()}
	if e.Status >= http.StatusBadRequest {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Cause != nil {
		parts = append(parts, e.Cause.Error())
	}
	text := oneLine(strings.Join(parts, ": "))
	if e.Advice != "" {
		text += "; " + e.Advice
	}
	for _, mirror := range e.tried {
		text += "\n" + mirror
	}
	return text
}

// Unwrap gives the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// subject is the reference as a person writes it.
func (e *Error) subject() string {
	name := e.Registry + "/" + e.Repository
	switch {
	case e.Reference == "":
		return name
	case strings.Contains(e.Reference, ":"):
		return name + "@" + e.Reference
	}
	return name + ":" + e.Reference
}

// oneLine keeps what a server says from breaking lines or steering a terminal.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(clean), " ")
}
