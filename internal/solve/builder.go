// Package solve talks to buildkitd: it finds and dials the daemon, opens sessions with what steps may use, runs the build
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

	"github.com/moby/buildkit/client"

	// Builders behind containers, pods and ssh are dialled by BuildKit's own helpers.
	_ "github.com/moby/buildkit/client/connhelper/dockercontainer"
	_ "github.com/moby/buildkit/client/connhelper/kubepod"
	_ "github.com/moby/buildkit/client/connhelper/nerdctlcontainer"
	_ "github.com/moby/buildkit/client/connhelper/podmancontainer"
	_ "github.com/moby/buildkit/client/connhelper/ssh"
)

// dialTimeout is how long a builder may take to answer before it counts as absent.
const dialTimeout = 20 * time.Second

// Dial says how to reach a builder.
type Dial struct {
	Addr string // buildctl's addresses: unix://, tcp://, docker-container://, podman-container://, kube-pod://, ssh://

	// TLS for tcp://, as buildctl has it. Dir holds ca.pem, cert.pem and key.pem.
	CACert, Cert, Key, ServerName, Dir string

	Private bool // it is the one that rtbuild runs for this user
}

// Builder is a buildkitd that answered.
type Builder struct {
	*client.Client
	Addr    string
	Version string
	Private bool // it is the one that rtbuild runs for this user
}

// Connect dials a builder and waits until it answers. Errors are *BuilderError.
func Connect(ctx context.Context, dial Dial) (*Builder, error) {
	c, err := client.New(ctx, dial.Addr, dial.options()...)
	if err != nil {
		return nil, &BuilderError{Addr: dial.Addr, Doing: "connecting to", Err: err}
	}
	waiting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	info, err := c.Info(waiting)
	if err != nil {
		_ = c.Close()
		return nil, &BuilderError{Addr: dial.Addr, Doing: "connecting to", Err: errors.Join(refused(dial.Addr), err)}
	}
	return &Builder{Client: c, Addr: dial.Addr, Version: info.BuildkitVersion.Version, Private: dial.Private}, nil
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

func (d Dial) options() []client.ClientOpt {
	if d.Dir != "" {
		d.CACert = cmp.Or(d.CACert, inDir(d.Dir, "ca.pem"))
		d.Cert = cmp.Or(d.Cert, inDir(d.Dir, "cert.pem"))
		d.Key = cmp.Or(d.Key, inDir(d.Dir, "key.pem"))
	}
	var opts []client.ClientOpt
	if d.CACert != "" {
		opts = append(opts, client.WithServerConfig(d.serverName(), d.CACert))
	}
	if d.Cert != "" || d.Key != "" {
		opts = append(opts, client.WithCredentials(d.Cert, d.Key))
	}
	return opts
}

// serverName is the name in the builder's certificate, by default the host that is dialled.
func (d Dial) serverName() string {
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

// WellKnown gives the address of a buildkitd that listens where packages put it, or "".
func WellKnown() string {
	sockets := []string{"/run/buildkit/buildkitd.sock"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		sockets = append([]string{filepath.Join(dir, "buildkit", "buildkitd.sock")}, sockets...)
	}
	for _, socket := range sockets {
		if conn, err := net.DialTimeout("unix", socket, time.Second); err == nil {
			_ = conn.Close()
			return "unix://" + socket
		}
	}
	return ""
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
