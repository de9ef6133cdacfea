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
	// helperPatience is how long a credential helper may take: time enough to unlock a keychain, if somebody is there.
	helperPatience = 30 * time.Second
	// helperMemory is how long its answer is good: some hand out tokens for 5 minutes.
	helperMemory = 4*time.Minute + 50*time.Second
)

// HelperError is why a credential helper gave no answer.
type HelperError struct {
	Program string // docker-credential-NAME
	Server  string // what it was asked for
	File    string // that names it
	Err     error
}

// Error says which helper failed for which registry, and what to do.
func (e *HelperError) Error() string {
	return fmt.Sprintf("the credential helper %s failed for %s: %v: try: echo %s | %s get; or take it out of %s",
		e.Program, e.Server, e.Err, e.Server, e.Program, e.File)
}

// Unwrap returns the cause.
func (e *HelperError) Unwrap() error { return e.Err }

// answer is what a helper said. Helpers are programs, and may ask the user: who wants the same waits for it.
type answer struct {
	turn chan struct{} // holds one value while somebody asks
	at   time.Time
	auth types.AuthConfig
	err  error
}

// ask returns a helper's answer, which may be some minutes old.
func (l *Logins) ask(ctx context.Context, name, server string) (types.AuthConfig, error) {
	l.mu.Lock()
	a, ok := l.answers[name+" "+server]
	if !ok {
		a = &answer{turn: make(chan struct{}, 1)}
		l.answers[name+" "+server] = a
	}
	l.mu.Unlock()
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return types.AuthConfig{}, ctx.Err()
	}
	defer func() { <-a.turn }()
	if !a.at.IsZero() && time.Since(a.at) < helperMemory {
		return a.auth, a.err
	}
	auth, err := l.run(ctx, "docker-credential-"+name, server)
	if ctx.Err() != nil {
		return types.AuthConfig{}, ctx.Err()
	}
	if err != nil {
		err = &HelperError{Program: "docker-credential-" + name, Server: server, File: l.name, Err: err}
		l.warn(err.Error() + "; going on without credentials")
	}
	a.auth, a.err, a.at = auth, err, time.Now()
	return auth, err
}

// run asks a helper. That it knows nothing of the server is no error.
func (l *Logins) run(ctx context.Context, program, server string) (types.AuthConfig, error) {
	if _, err := exec.LookPath(program); err != nil {
		return types.AuthConfig{}, errors.New("it is not in PATH")
	}
	silent := fmt.Errorf("no answer within %s", l.patience)
	ctx, cancel := context.WithTimeoutCause(ctx, l.patience, silent)
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

// program is a helper that ends with its context. It stays in the terminal's foreground, since it may ask for a passphrase.
type program struct{ *exec.Cmd }

func newProgram(ctx context.Context, name string, args []string) program {
	cmd := exec.CommandContext(ctx, name, args...) // the user's config file names it, as for docker
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second // its children may hold on to what it writes to
	return program{cmd}
}

// Input implements client.Program.
func (p program) Input(in io.Reader) { p.Stdin = in }
