package registry

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxMessage limits how much of a registry's message an error quotes, in bytes.
const maxMessage = 300

const (
	adviceBroken  = "check that this is a registry and that no proxy or login page answers in its place"
	adviceAgain   = "try again later"
	adviceMove    = "allow the tag to move (if tags are immutable, by an exception for it), or choose another repository with --repository"
	adviceContact = "check the registry's name and the network"
)

// statusError returns the error for an HTTP status. It calls identity only if the advice depends on the credentials in use.
// The caller adds what was being done.
func (h *host) statusError(identity func() login, status int, header http.Header, body []byte) *Error {
	message, code := registryMessage(body)
	e := &Error{Status: status, Message: message, code: code}
	switch {
	case status == http.StatusTooManyRequests || code == "TOOMANYREQUESTS":
		e.Err, e.transient, e.after = ErrThrottled, true, retryAfter(header, time.Now())
		e.Advice = h.throttleAdvice(e.after, identity())
	case status == http.StatusNotFound:
		e.Err, e.Advice = ErrAbsent, "check the name, or build and push it first"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return h.denied(e, identity())
	case status == http.StatusProxyAuthRequired:
		e.Err, e.Advice = ErrUnreachable, "the proxy requires credentials: add them to HTTPS_PROXY, or the registry to NO_PROXY"
	case status == http.StatusRequestTimeout || status >= http.StatusInternalServerError:
		e.Err, e.Advice, e.after = ErrUnreachable, adviceAgain, retryAfter(header, time.Now())
		e.transient = status != http.StatusNotImplemented
	default:
		e.Err, e.Advice = ErrBroken, adviceBroken
	}
	return e
}

// denied completes an error of kind ErrDenied with advice for the credentials in use.
func (h *host) denied(e *Error, identity login) *Error {
	e.Err = ErrDenied
	if name := identity.describe(); name != "" {
		e.Advice = fmt.Sprintf("%s has no access, or the credentials have expired: ask for access, or run: docker login %s", name, h.loginName())
	} else if identity.problem != nil {
		e.Advice = "no credentials found: " + oneLine(identity.problem.Error())
	} else {
		e.Advice = "no credentials found: check the name, or run: docker login " + h.loginName()
	}
	return e
}

// immutableWords matches the codes and messages for an immutable tag. ECR sends 400 and TAG_INVALID, Harbor 412, others 409 or
// 403, so the status alone does not tell.
var immutableWords = regexp.MustCompile(`(?i)immutab|already exists|cannot be overwritten|ImageTagAlreadyExists`)

// asImmutable turns an error of writing a tag into ErrImmutable if the tag exists and must not move.
func asImmutable(err error) error {
	var fault *Error
	if !errors.As(err, &fault) {
		return err
	}
	conflict := fault.Status == http.StatusConflict || fault.Status == http.StatusPreconditionFailed
	refused := fault.Status >= http.StatusBadRequest && fault.Status < http.StatusInternalServerError && fault.Status != http.StatusTooManyRequests
	if conflict || refused && immutableWords.MatchString(fault.code+" "+fault.Message) {
		fault.Err, fault.Advice = ErrImmutable, adviceMove
	}
	return err
}

// loginName returns the host's name for docker login.
func (h *host) loginName() string {
	if h.Host == "registry-1.docker.io" {
		return "docker.io"
	}
	return h.Host
}

func (h *host) throttleAdvice(after time.Duration, identity login) string {
	advice := adviceAgain
	if after > 0 {
		advice = fmt.Sprintf("try again in %s", after.Round(time.Second))
	}
	if identity.isAnonymous() {
		advice += ", or get a higher limit with: docker login " + h.loginName()
	}
	return advice
}

// connectionError returns the error for a failed exchange, with advice for its cause.
func (h *host) connectionError(err error) *Error {
	err = withoutURL(err)
	e := &Error{Err: ErrUnreachable, Cause: err, Advice: adviceContact}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &authority):
		e.Cause = fmt.Errorf("this client does not trust the authority that signed the certificate: %w", err)
		e.Advice = "add the authority with --ca-file FILE, or in a hosts.toml with --registry-config DIR"
	case isCertificate(err):
		e.Advice = "the certificate is not valid for this name or at this time: check the registry's name and this machine's clock"
	case errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, errPlain):
		e.Advice = fmt.Sprintf(`if plain HTTP is meant, write server = "http://%s" into %s/hosts.toml below --registry-config DIR`, h.Host, h.registry)
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Advice = "check that the registry runs and that its port is right"
	case errors.As(err, &dns):
		e.Advice = adviceContact + ": the name does not resolve"
	case isReset(err), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		e.transient, e.Advice = true, adviceAgain
	}
	if isContextEnd(e.Cause) {
		e.Cause = errors.New(e.Cause.Error()) // net's timeouts match context.DeadlineExceeded
	}
	return e
}

// isReset reports whether the other side broke the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// isContextEnd reports whether an error matches a context's error. Callers have checked that their own context has not ended.
func isContextEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// withoutURL removes the path and query from an error's address: those of storage and token servers contain signatures.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return fmt.Errorf("%s: %w", serverOf(failed.URL), failed.Err)
	}
	return err
}

// serverOf returns the scheme and host of an address.
func serverOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an unreadable address"
	}
	return u.Scheme + "://" + u.Host
}

// registryMessage returns the message and code of the first error in a registry's response. Both are empty for any other
// body, such as a proxy's HTML page.
func registryMessage(body []byte) (message, code string) {
	var response struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
		Details string `json:"details"` // token servers
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &response) != nil {
		return "", ""
	}
	message = strings.TrimSpace(response.Message + " " + response.Details)
	if len(response.Errors) > 0 {
		message, code = response.Errors[0].Message, response.Errors[0].Code
	}
	message = oneLine(message)
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "..."
	}
	return message, code
}

// retryAfter reads the header Retry-After, which holds seconds or a date (RFC 9110, 10.2.3). It returns 0 if there is none.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(seconds, 24*60*60))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
