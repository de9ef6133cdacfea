// Package embedded runs the private pair: a buildkitd and a registry that rtbuild uses if the user names no builder. There is one
// pair per user. All clients share it, and the last client stops it.
//
// A daemon runs both; its program is rtbuild-client itself. The registry is in the daemon's process, on a fixed port of the
// loopback interface. Image references contain the port, so it must stay the same. buildkitd is a child process, which starts when
// the first client asks for it. So a plan, or a solve with nothing to do, never waits for it.
//
// Clients hold a lease: a connection to a unix socket in the state directory. The kernel closes the connection when a client ends
// for whatever reason, so the daemon's count of clients is always right. Two locks and the socket keep starts and stops apart:
//
//   - start.lock is held while a daemon starts, by the client that starts it and by the daemon until it serves;
//   - daemon.lock is held by a daemon until it ends, so a new daemon waits for the port and the builder's state of an old one;
//   - the socket answers with a greeting. While the daemon stops there is no greeting, and the client starts a new daemon.
//
// The registry listens on loopback, where every program on the machine may read it, including other users' programs and build
// steps. A write needs a token. The daemon makes the token at its first start, in a file in the state directory that only the user
// can read. Clients get it with the greeting. A client trusts the daemon on the socket, since nobody else can write to the socket's
// directory. It trusts only the port that the daemon names. If another program has taken the port, that is an error.
//
// buildkitd uses the certificate authorities and mirrors that its clients' flags name. A client with other settings gets a new
// buildkitd, unless other clients use the running one.
//
// A background daemon inherits its first lease, a socket, from the client that starts it. So it never waits for a first client, and
// needs no timeout for that.
package embedded

import (
	"context"
	"errors"
	"net/http"
)

// Reasons why the private pair cannot be used. Errors of this package wrap them, on both sides of the socket.
var (
	ErrPortTaken   = errors.New("port taken")                     // another program listens on the registry's port
	ErrMissing     = errors.New("missing")                        // a program or a setting that the builder needs is missing
	ErrBuilderDied = errors.New("builder died")                   // buildkitd ended before it was ready
	ErrBusy        = errors.New("busy")                           // other clients use the builder with another Trust
	ErrGone        = errors.New("daemon gone")                    // the daemon of the lease has ended
	ErrNoPort      = errors.New("must be a port from 1 to 65535") // Options or PortEnv give an invalid port
	errNoDaemon    = errors.New("no daemon runs")                 // there is no daemon, or it is stopping
	errNoHome      = errors.New("no home")                        // the user's directories are unknown
)

// Environment variables for fields of Options that are empty. The background daemon gets them, too.
const (
	HomeEnv      = "RTBUILD_HOME"          // a directory for all state and data
	PortEnv      = "RTBUILD_REGISTRY_PORT" // the registry's port
	BuildkitdEnv = "RTBUILD_BUILDKITD"     // path of the buildkitd binary
)

// Options configure the private pair. Zero values take the environment variables, then the defaults.
type Options struct {
	Dir       string   // for state and data; default: HomeEnv, else $XDG_STATE_HOME/rtbuild and $XDG_DATA_HOME/rtbuild
	Port      int      // of the registry; default: PortEnv, else that of the first start, which depends on the user's id
	Buildkitd string   // path of buildkitd; default: BuildkitdEnv, else the one installed with this program, else in PATH
	Command   []string // starts this program as a background daemon, which calls Serve with UntilIdle
	Log       func(line string)

	// Handler returns a registry that stores its content in the directory root.
	Handler func(ctx context.Context, root string) (http.Handler, error)
	// UntilIdle makes Serve return when the last client has left.
	UntilIdle bool
}

func (o Options) log(line string) {
	if o.Log != nil {
		o.Log(line)
	}
}
