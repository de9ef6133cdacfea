package trust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker-credential-helpers/client"
	helper "github.com/docker/docker-credential-helpers/credentials"
)

const (
	// defaultHelperTimeout is how long a credential helper may run: long enough for a user to unlock a keychain.
	defaultHelperTimeout = 30 * time.Second
	// helperCacheTime is how long a helper's credentials are used. Some helpers return tokens that expire after 5 minutes.
	helperCacheTime = 4*time.Minute + 50*time.Second
)

// HelperError says why a credential helper failed.
type HelperError struct {
	Program string // docker-credential-NAME
	Server  string // whose credentials it was asked for
	File    string // the config file that names it
	Err     error
}

// Error says which helper failed for which registry, and what to do.
func (e *HelperError) Error() string {
	return fmt.Sprintf("the credential helper %s failed for %s: %v: try: echo %s | %s get; or remove it from %s",
		e.Program, e.Server, e.Err, e.Server, e.Program, e.File)
}

// Unwrap returns the cause.
func (e *HelperError) Unwrap() error { return e.Err }

// helperResult caches the result of one helper for one server. A helper may ask the user, so only one of them runs at a time.
type helperResult struct {
	sem  chan struct{} // holds one value while the helper runs
	at   time.Time     // when the helper ended; zero before
	auth types.AuthConfig
	err  error
}

// ask returns the credentials that a helper has for a server. They may come from the cache.
func (l *Logins) ask(ctx context.Context, name, server string) (types.AuthConfig, error) {
	l.mu.Lock()
	r, ok := l.results[name+" "+server]
	if !ok {
		r = &helperResult{sem: make(chan struct{}, 1)}
		l.results[name+" "+server] = r
	}
	l.mu.Unlock()
	select {
	case r.sem <- struct{}{}:
	case <-ctx.Done():
		return types.AuthConfig{}, ctx.Err()
	}
	defer func() { <-r.sem }()
	if !r.at.IsZero() && time.Since(r.at) < helperCacheTime {
		return r.auth, r.err
	}
	auth, err := l.run(ctx, "docker-credential-"+name, server)
	if ctx.Err() != nil {
		return types.AuthConfig{}, ctx.Err()
	}
	if err != nil {
		err = &HelperError{Program: "docker-credential-" + name, Server: server, File: l.name, Err: err}
		l.warn(err.Error() + "; continuing without credentials")
	}
	r.auth, r.err, r.at = auth, err, time.Now()
	return auth, err
}

// run runs a helper. If the helper has no credentials for the server, it returns the zero value and no error.
func (l *Logins) run(ctx context.Context, program, server string) (types.AuthConfig, error) {
	if _, err := exec.LookPath(program); err != nil {
		return types.AuthConfig{}, errors.New("it is not in PATH")
	}
	timeout := fmt.Errorf("no response within %s", l.helperTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, l.helperTimeout, timeout)
	defer cancel()
	creds, err := client.Get(func(args ...string) client.Program { return newProgram(ctx, program, args) }, server)
	switch {
	case helper.IsErrCredentialsNotFound(err):
		return types.AuthConfig{}, nil
	case err != nil && ctx.Err() != nil:
		return types.AuthConfig{}, context.Cause(ctx)
	case err != nil:
		return types.AuthConfig{}, errors.New(strings.Join(strings.Fields(err.Error()), " "))
	case creds.Username == "<token>":
		return types.AuthConfig{IdentityToken: creds.Secret}, nil
	}
	return types.AuthConfig{Username: creds.Username, Password: creds.Secret}, nil
}

// program is a helper that is killed when its context ends. It stays in the terminal's foreground, since it may ask for a
// passphrase.
type program struct{ *exec.Cmd }

func newProgram(ctx context.Context, name string, args []string) program {
	cmd := exec.CommandContext(ctx, name, args...) // the user's config file names it, as for docker
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second // its children may keep its output open
	return program{cmd}
}

// Input implements client.Program.
func (p program) Input(in io.Reader) { p.Stdin = in }
