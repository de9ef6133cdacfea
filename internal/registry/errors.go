package registry

import "errors"

// What can stand between us and an image. Each *Error wraps exactly one of them.
var (
	ErrAbsent      = errors.New("not found")                   // 404, or the name is unknown to the registry
	ErrNoPlatform  = errors.New("not there for this platform") // the tag exists, the platform does not
	ErrDenied      = errors.New("access denied")               // 401, 403
	ErrThrottled   = errors.New("too many requests")           // 429 after all retries
	ErrUnreachable = errors.New("unreachable")                 // DNS, TCP, TLS, timeout, 5xx after all retries
	ErrBroken      = errors.New("broken answer")               // an answer that is no manifest, index or config
)
