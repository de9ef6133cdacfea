// Package embedded runs the private builder and registry that rtbuild uses where no buildkitd is named: one buildkitd
// and one registry per user, shared by every client that runs meanwhile, stopped by the last.
//
// A daemon process (our own binary) holds both. The registry is in that process, on a fixed port of the loopback
// interface: references contain the port, so it must be the same the next day. buildkitd is its child, started when
// the first client asks for it, so that a plan or a solve with nothing to do never waits for it.
//
// Clients hold a lease: a connection to a unix socket in the state directory. The kernel closes it when a client
// dies, however it dies, so the daemon's count of connections is the truth. Three files keep starts and stops apart:
//
//   - start.lock is held while a daemon is started, by the client that starts it and by the daemon until it serves;
//   - daemon.lock is held by a daemon as long as it lives, so a new one waits for the port and the builder's state of
//     one that is still stopping;
//   - the socket answers with a greeting, or, while the daemon stops, with nothing: then the client starts a new one.
//
// The registry listens on loopback, where every program of the machine, other users' and build steps included, may read
// it. A write takes a token: it is made at the first start, lies in the state directory, readable by the user alone, and
// reaches clients by the greeting. A client believes whoever answers on the socket, since nobody else may write to its
// directory; on the port, only whom the daemon names. So a program that has taken the port is an error, never a registry.
//
// buildkitd trusts what its clients say by flags: certificate authorities, mirrors. It is started again for a client that
// says something else, unless others use it.
//
// The first lease of a background daemon is a socket that it inherits from the client that started it. So there is no
// moment at which it has no client yet, and no timeout to guess.
package embedded

import (
	"context"
	"errors"
	"net/http"
)

// Why the private pair cannot be used. Errors of this package wrap one of them where it applies, on both sides of the
// socket.
var (
	ErrPortTaken   = errors.New("port taken")               // another program listens on the registry's port
	ErrMissing     = errors.New("missing")                  // a program or a setting that the builder needs is not there
	ErrBuilderDied = errors.New("builder died")             // buildkitd ended by itself, before it answered
	ErrBusy        = errors.New("busy")                     // other clients use the builder, which trusts other registries than we do
	ErrGone        = errors.New("daemon gone")              // the daemon that the lease is on has ended
	ErrNoPort      = errors.New("it is a port, 1 to 65535") // what Options or PortEnv give for the registry's port is none
	errNoDaemon    = errors.New("no daemon runs")           // nobody listens, or who listens is stopping
	errNoHome      = errors.New("no home")                  // nothing says where the user's directories are
)

// Variables that replace what Options leave empty. They reach the background daemon too.
const (
	HomeEnv      = "RTBUILD_HOME"          // a directory for all state and data
	PortEnv      = "RTBUILD_REGISTRY_PORT" // the registry's port
	BuildkitdEnv = "RTBUILD_BUILDKITD"     // path of the buildkitd binary
)

// Options says where things live and how the private daemons are run. Zero values take the environment's variables,
// then the user's directories.
type Options struct {
	Dir       string   // holds state and data; default: HomeEnv, else $XDG_STATE_HOME/rtbuild and $XDG_DATA_HOME/rtbuild
	Port      int      // of the registry; default: PortEnv, else that of the first start, which follows from the user's id
	Buildkitd string   // path of buildkitd; default: BuildkitdEnv, else the one installed with our own binary, else in PATH
	Command   []string // starts our own binary as a background daemon, which calls Serve with UntilIdle
	Log       func(line string)

	// Handler makes the registry that keeps its blobs under root.
	Handler func(ctx context.Context, root string) (http.Handler, error)
	// UntilIdle lets Serve end when the last client has gone.
	UntilIdle bool
}

func (o Options) log(line string) {
	if o.Log != nil {
		o.Log(line)
	}
}
