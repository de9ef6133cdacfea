// Package solve talks to buildkitd: it dials the daemon, opens sessions with what steps may use, runs the build
// function, shows progress and collects what each export returned.
package solve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/client"

	// Builders behind containers, pods and ssh are dialled by BuildKit's own helpers.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"

	"github.com/rtbuild/rtbuild/internal/builders"
)

// dialTimeout is how long a builder may take to answer before it counts as absent.
const dialTimeout = 20 * time.Second

// Client is what a buildkitd is asked through: BuildKit's *client.Client.
type Client interface {
	Build(context.Context, client.SolveOpt, string, gateway.BuildFunc, chan *client.SolveStatus) (*client.SolveResponse, error)
	Solve(context.Context, *llb.Definition, client.SolveOpt, chan *client.SolveStatus) (*client.SolveResponse, error)
	ListWorkers(context.Context, ...client.ListWorkersOption) ([]*client.WorkerInfo, error)
	ControlClient() controlapi.ControlClient
	Close() error
}

// Builder is a buildkitd that answered.
type Builder struct {
	Client
	Addr    string
	Version string
	Private bool // rtbuild runs this builder for the user
}

// Connect dials a builder and waits until it answers. Errors are *BuilderError.
func Connect(ctx context.Context, at builders.Address) (*Builder, error) {
	c, err := client.New(ctx, at.Addr, tlsOptions(at)...)
	if err != nil {
		return nil, &BuilderError{Addr: at.Addr, Doing: "connecting to", Err: err}
	}
	waiting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	info, err := c.Info(waiting)
	if err != nil {
		_ = c.Close()
		return nil, &BuilderError{Addr: at.Addr, Doing: "connecting to", Err: errors.Join(refused(at.Addr), err)}
	}
	return &Builder{Client: c, Addr: at.Addr, Version: info.BuildkitVersion.Version, Private: at.Private}, nil
}

// name tells apart the builder whose trust our flags decide.
func (b *Builder) name() string {
	if b.Private {
		return "the private builder"
	}
	return "the builder"
}

// refused finds the plain cause of an address that nobody listens on, which gRPC hides behind a timeout.
func refused(addr string) error {
	u, err := url.Parse(addr)
	if err != nil || u.Scheme != "unix" && u.Scheme != "tcp" {
		return nil
	}
	conn, err := net.DialTimeout(u.Scheme, cmp.Or(u.Host, u.Path), time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// tlsOptions are the client options for the TLS of an address.
func tlsOptions(d builders.Address) []client.ClientOpt {
	if d.Dir != "" {
		d.CACert = cmp.Or(d.CACert, inDir(d.Dir, "ca.pem"))
		d.Cert = cmp.Or(d.Cert, inDir(d.Dir, "cert.pem"))
		d.Key = cmp.Or(d.Key, inDir(d.Dir, "key.pem"))
	}
	var opts []client.ClientOpt
	if d.CACert != "" {
		opts = append(opts, client.WithServerConfig(serverName(d), d.CACert))
	}
	if d.Cert != "" || d.Key != "" {
		opts = append(opts, client.WithCredentials(d.Cert, d.Key))
	}
	return opts
}

// serverName returns the name in the builder's certificate: by default the host of the address.
func serverName(d builders.Address) string {
	if d.ServerName != "" {
		return d.ServerName
	}
	if u, err := url.Parse(d.Addr); err == nil {
		return u.Hostname()
	}
	return ""
}

func inDir(dir, name string) string {
	file := filepath.Join(dir, name)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// BuilderError says that a builder could not be used at all: exit code 4.
type BuilderError struct {
	Addr  string
	Doing string // "connecting to", "building on"
	Err   error
}

func (e *BuilderError) Error() string {
	return fmt.Sprintf("%s builder %s: %v\ncheck that buildkitd runs there and that --addr, --builder or BUILDKIT_HOST is right "+
		"(rtbuild-client doctor tells more); without them, rtbuild runs a private one%s", e.Doing, e.Addr, e.Err, e.start())
}

// start is how a builder is started that buildx has made and that may not have run yet.
func (e *BuilderError) start() string {
	if !strings.HasPrefix(e.Addr, "docker-container://buildx_buildkit_") {
		return ""
	}
	return "\na builder that buildx has made is started by: docker buildx inspect --bootstrap NAME"
}

func (e *BuilderError) Unwrap() error { return e.Err }
