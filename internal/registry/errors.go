package registry

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// The kinds of errors. Each *Error wraps exactly one of them.
var (
	ErrAbsent      = errors.New("not found")                  // 404, or the registry does not know the name
	ErrNoPlatform  = errors.New("no image for this platform") // the tag exists, the platform does not
	ErrDenied      = errors.New("access denied")              // 401, 403
	ErrImmutable   = errors.New("the tag cannot be moved")    // 409, 412, or another status whose message says so
	ErrThrottled   = errors.New("too many requests")          // 429 after all retries
	ErrUnreachable = errors.New("unreachable")                // DNS, TCP, TLS, timeout, 5xx after all retries
	ErrBroken      = errors.New("invalid response")           // not a valid manifest, index, config or blob, or a part is missing
)

// Error says which request failed, why, and what to do next. errors.Is tells its kinds apart by the sentinels of this
// package. The end of a context is never an Error.
type Error struct {
	Doing      string // what was being done: "looking up"
	Registry   string // as the reference names it: docker.io
	Repository string // without the registry: library/debian
	Reference  string // the tag or digest; empty if the request was about a repository
	Status     int    // the HTTP status that decided; 0 if there was none
	Message    string // the registry's own message, in one line; may be empty
	Advice     string // what to do next
	Err        error  // exactly one of this package's sentinels
	Cause      error  // the underlying error, such as the connection's; may be nil

	code      string        // the registry's own error code, such as TAG_INVALID
	tried     []string      // the errors of the mirrors that were tried first, one line each
	transient bool          // worth another try
	after     time.Duration // the delay that the registry asks for
}

// Error returns one line, and one more for each mirror that was tried before.
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

// Unwrap returns the sentinel and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Cause}
}

// short returns the error's text without the reference and the advice, to be quoted in another error.
func (e *Error) short() string {
	brief := *e
	brief.Advice, brief.tried = "", nil
	return strings.TrimPrefix(brief.Error(), brief.Doing+" "+brief.subject()+": ")
}

// subject returns the full reference.
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

// oneLine removes line breaks and control characters from text of a server: they could break lines or control a terminal.
func oneLine(text string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(clean), " ")
}
