// Package solve runs solves on a buildkitd. It connects to the daemon, opens a session with the files and secrets that steps may
// use, and runs the build function. It shows progress, repeats a solve after a passing fault, and returns the result of each export.
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

	// BuildKit's own helpers connect to builders in containers and pods, and through ssh.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"

	"github.com/rtbuild/rtbuild/internal/builders"
	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/imagebuild"
)

// dialTimeout is how long Connect waits for a builder's response.
const dialTimeout = 20 * time.Second

// Client has the methods of BuildKit's *client.Client that this package uses. Tests replace it.
type Client interface {
	Build(context.Context, client.SolveOpt, string, gateway.BuildFunc, chan *client.SolveStatus) (*client.SolveResponse, error)
	Solve(context.Context, *llb.Definition, client.SolveOpt, chan *client.SolveStatus) (*client.SolveResponse, error)
	ListWorkers(context.Context, ...client.ListWorkersOption) ([]*client.WorkerInfo, error)
	ControlClient() controlapi.ControlClient
	Close() error
}

// Builder is a connection to a buildkitd.
type Builder struct {
	Client
	Addr    string
	Version string
	Private bool // whether this is the private builder, which rtbuild runs itself

	// Engine is the Docker engine that has the builder; nil if it is no engine's.
	Engine *engine.Engine
}

// Close closes the connection.
func (b *Builder) Close() error {
	if b.Engine == nil {
		return b.Client.Close()
	}
	return errors.Join(b.Client.Close(), b.Engine.Close())
}

// Connect connects to a builder and waits for its response. The error is a *BuilderError.
func Connect(ctx context.Context, at builders.Address) (*Builder, error) {
	if name, ok := at.Engine(); ok {
		return connectEngine(ctx, name)
	}
	c, err := client.New(ctx, at.Addr, tlsOptions(at)...)
	if err != nil {
		return nil, &BuilderError{Addr: at.Addr, Doing: "connecting to", Err: err}
	}
	waiting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	info, err := c.Info(waiting)
	if err != nil {
		_ = c.Close()
		return nil, &BuilderError{Addr: at.Addr, Doing: "connecting to", Err: errors.Join(dialError(at.Addr), err)}
	}
	return &Builder{Client: c, Addr: at.Addr, Version: info.BuildkitVersion.Version, Private: at.Private}, nil
}

// trustStore returns the builder's trust store. Flags set that of the private builder, but not of another.
func (b *Builder) trustStore() imagebuild.TrustStore {
	if b.Private {
		return imagebuild.PrivateBuilderStore
	}
	return imagebuild.BuilderStore
}

// dialError returns the error of a plain connection to an address, or nil. gRPC hides that error behind a timeout.
func dialError(addr string) error {
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

// tlsOptions returns the client options for the TLS settings of an address.
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

// BuilderError says that a builder cannot be used, or that the connection was lost. The client exits with code 4.
type BuilderError struct {
	Addr  string
	Doing string // "connecting to", "building on"
	Err   error
}

func (e *BuilderError) Error() string {
	if _, ok := (builders.Address{Addr: e.Addr}).Engine(); ok {
		return e.engineError()
	}
	return fmt.Sprintf("%s builder %s: %v\ncheck that buildkitd runs there and that --addr, --builder or BUILDKIT_HOST is right "+
		"(rtbuild-client doctor checks more); without them, rtbuild runs a private builder%s", e.Doing, e.Addr, e.Err, e.start())
}

// start returns advice for a buildx builder, which may not have been started yet.
func (e *BuilderError) start() string {
	if !strings.HasPrefix(e.Addr, "docker-container://buildx_buildkit_") {
		return ""
	}
	return "\nstart a builder of buildx with: docker buildx inspect --bootstrap NAME"
}

func (e *BuilderError) Unwrap() error { return e.Err }
