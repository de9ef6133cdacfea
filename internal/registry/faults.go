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

// maxMessage is how much of what a registry says is passed on, in bytes.
const maxMessage = 300

const (
	adviceBroken  = "check that this is a registry and that no proxy or login page answers in its place"
	adviceAgain   = "try again later"
	adviceMove    = "let it be moved (where tags are immutable, by an exception for it), or choose another repository with --repository"
	adviceContact = "check the registry's name and the network"
)

// statusError says what an HTTP status means, and who tells as whom we have asked, where that matters. The caller adds what was being done.
func (h *host) statusError(who func() login, status int, header http.Header, body []byte) *Error {
	message, code := registryMessage(body)
	e := &Error{Status: status, Message: message, code: code}
	switch {
	case status == http.StatusTooManyRequests || code == "TOOMANYREQUESTS":
		e.Err, e.transient, e.after = ErrThrottled, true, retryAfter(header, time.Now())
		e.Advice = h.throttleAdvice(e.after, who())
	case status == http.StatusNotFound:
		e.Err, e.Advice = ErrAbsent, "check the name, or build and push it first"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return h.denied(e, who())
	case status == http.StatusProxyAuthRequired:
		e.Err, e.Advice = ErrUnreachable, "the proxy wants credentials: put them into HTTPS_PROXY, or the registry into NO_PROXY"
	case status == http.StatusRequestTimeout || status >= http.StatusInternalServerError:
		e.Err, e.Advice, e.after = ErrUnreachable, adviceAgain, retryAfter(header, time.Now())
		e.transient = status != http.StatusNotImplemented
	default:
		e.Err, e.Advice = ErrBroken, adviceBroken
	}
	return e
}

// denied completes the error of a registry that does not let us in.
func (h *host) denied(e *Error, who login) *Error {
	e.Err = ErrDenied
	if name := who.describe(); name != "" {
		e.Advice = fmt.Sprintf("%s has no access or the credentials are old: ask for access, or run: docker login %s", name, h.loginName())
	} else if who.problem != nil {
		e.Advice = "no credentials are known: " + oneLine(who.problem.Error())
	} else {
		e.Advice = "no credentials are known: check the name, or run: docker login " + h.loginName()
	}
	return e
}

// unmovable is how registries say that a tag stays at what it points to: ECR with 400 and TAG_INVALID, Harbor with 412, others with
// 409 or 403. Only the words tell it from other refusals.
var unmovable = regexp.MustCompile(`(?i)immutab|already exists|cannot be overwritten|ImageTagAlreadyExists`)

// notMovable turns the refusal to write a tag into ErrImmutable where it is for what the tag points to.
func notMovable(err error) error {
	var fault *Error
	if !errors.As(err, &fault) {
		return err
	}
	conflict := fault.Status == http.StatusConflict || fault.Status == http.StatusPreconditionFailed
	refused := fault.Status >= http.StatusBadRequest && fault.Status < http.StatusInternalServerError && fault.Status != http.StatusTooManyRequests
	if conflict || refused && unmovable.MatchString(fault.code+" "+fault.Message) {
		fault.Err, fault.Advice = ErrImmutable, adviceMove
	}
	return err
}

// loginName is what docker login knows the host by.
func (h *host) loginName() string {
	if h.Host == "registry-1.docker.io" {
		return "docker.io"
	}
	return h.Host
}

func (h *host) throttleAdvice(after time.Duration, who login) string {
	advice := adviceAgain
	if after > 0 {
		advice = fmt.Sprintf("try again in %s", after.Round(time.Second))
	}
	if who.isAnonymous() {
		advice += ", or get a higher limit with: docker login " + h.loginName()
	}
	return advice
}

// connectionError says what a failed exchange means.
func (h *host) connectionError(err error) *Error {
	err = withoutURL(err)
	e := &Error{Err: ErrUnreachable, Cause: err, Advice: adviceContact}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &authority):
		e.Cause = fmt.Errorf("this client's own trust store lacks the certificate's authority: %w", err)
		e.Advice = "give it with --ca-file FILE, or by hosts.toml with --registry-config DIR"
	case isCertificate(err):
		e.Advice = "the certificate itself is wrong: check the registry's name and this machine's clock"
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
		e.Cause = errors.New(e.Cause.Error()) // net's timeouts say that they are context's
	}
	return e
}

// isReset reports whether the other side broke the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

// isContextEnd reports whether an error passes for a context's end. The caller has made sure that ours has not ended.
func isContextEnd(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// withoutURL takes the address out of an error: those of storage and token servers carry signatures.
func withoutURL(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return fmt.Errorf("%s: %w", serverOf(failed.URL), failed.Err)
	}
	return err
}

// serverOf is the scheme and the host of an address.
func serverOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an unreadable address"
	}
	return u.Scheme + "://" + u.Host
}

// registryMessage gives the first error of a registry's answer, in its own words, and its code. Answers of another form
// (a proxy's HTML) say nothing that would help.
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

// retryAfter reads the header in both its forms, seconds and a date (RFC 9110, 10.2.3); 0 if there is none.
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
