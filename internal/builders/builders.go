// Package builders finds the builder that the user means. Flags, variables, the names of docker buildx's builders and usual
// sockets may point to a buildkitd. This package defines their order. It connects to nothing but the usual sockets.
package builders

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Address says how to connect to a builder.
type Address struct {
	Addr string // as buildctl takes it: unix://, tcp://, docker-container://, podman-container://, kube-pod://, ssh://

	// TLS for tcp://, as buildctl has it. Dir holds ca.pem, cert.pem and key.pem.
	CACert, Cert, Key, ServerName, Dir string

	Private bool // whether this is the private builder, which rtbuild runs itself
}

// Options are the flags about the builder.
type Options struct {
	Address Address // --addr and the flags for TLS
	Name    string  // --builder: the name of a builder of docker buildx

	// Platforms are the platforms to build. They decide among the nodes of a buildx builder.
	Platforms []ocispecs.Platform
}

// Origin is what points to a builder.
type Origin string

// All origins, in order of precedence.
const (
	FlagAddr    Origin = "--addr"
	FlagBuilder Origin = "--builder"
	EnvBuilder  Origin = "BUILDX_BUILDER"
	EnvHost     Origin = "BUILDKIT_HOST"
	UsualSocket Origin = "a buildkitd at its usual socket"
)

// Candidate is a builder that an origin points to.
type Candidate struct {
	Origin Origin
	Value  string // the address, or the name of a buildx builder
}

// byName reports whether Value is the name of a buildx builder.
func (c Candidate) byName() bool { return c.Origin == FlagBuilder || c.Origin == EnvBuilder }

// Candidates returns all builders that an origin points to, in order of precedence: the first one is used. If there is none,
// rtbuild runs a private builder.
func (o Options) Candidates() []Candidate {
	all := o.named()
	if socket := usualSocket(); socket != "" {
		all = append(all, Candidate{UsualSocket, "unix://" + socket})
	}
	return all
}

// named returns the candidates that the user names.
func (o Options) named() []Candidate {
	var all []Candidate
	for _, c := range []Candidate{
		{FlagAddr, o.Address.Addr},
		{FlagBuilder, o.Name},
		{EnvBuilder, os.Getenv(string(EnvBuilder))},
		{EnvHost, os.Getenv(string(EnvHost))},
	} {
		if c.Value != "" {
			all = append(all, c)
		}
	}
	return all
}

// Found is the builder to use. If there is none, Addr is empty, but the fields for TLS are set from flags all the same.
type Found struct {
	Candidate
	Address
	Note string // how the builder was chosen, if the user should know; may be empty
}

// Named returns the builder that a flag or a variable names. If none does, Addr is empty. The error says why the named builder
// cannot be used.
func (o Options) Named() (Found, error) {
	if o.Address.Addr != "" && o.Name != "" {
		return Found{}, fmt.Errorf("%s and %s name two builders: give one of them", FlagAddr, FlagBuilder)
	}
	return o.first(o.named())
}

// Find returns the builder that a flag or a variable names, else one at a usual socket. Its errors are those of Named.
func (o Options) Find() (Found, error) {
	if found, err := o.Named(); err != nil || found.Addr != "" {
		return found, err
	}
	return o.first(o.Candidates())
}

func (o Options) first(all []Candidate) (Found, error) {
	if len(all) == 0 {
		return Found{Address: o.Address}, nil
	}
	found := Found{Candidate: all[0], Address: o.Address}
	if !found.byName() {
		found.Addr = found.Value
		return found, checkAddress(found.Candidate)
	}
	at, note, err := findBuildx(found.Value, o.Platforms)
	if err != nil {
		return Found{}, fmt.Errorf("%s: %w", found.Origin, err)
	}
	found.Address, found.Note = o.Address.over(at), note
	return found, nil
}

// schemes are those of addresses that BuildKit's client connects to. Package solve imports what connects to the last five.
var schemes = []string{"unix", "tcp", "docker-container", "podman-container", "nerdctl-container", "kube-pod", "ssh"}

// checkAddress returns an error for an address whose scheme BuildKit's client does not know.
func checkAddress(c Candidate) error {
	scheme, rest, _ := strings.Cut(c.Value, "://")
	if !slices.Contains(schemes, scheme) || rest == "" {
		return fmt.Errorf("invalid %s %q: must begin with %s://, such as unix:///run/buildkit/buildkitd.sock", c.Origin, c.Value, strings.Join(schemes, "://, "))
	}
	return nil
}

// over returns the address of b, with the TLS settings of a preceding those of b.
func (a Address) over(b Address) Address {
	return Address{
		Addr: b.Addr, Dir: a.Dir, CACert: cmp.Or(a.CACert, b.CACert), Cert: cmp.Or(a.Cert, b.Cert),
		Key: cmp.Or(a.Key, b.Key), ServerName: cmp.Or(a.ServerName, b.ServerName),
	}
}

// systemSocket is the usual socket of a buildkitd that all users share. Tests change it.
var systemSocket = "/run/buildkit/buildkitd.sock"

// usualSocket returns a usual socket on which a buildkitd listens, or "".
func usualSocket() string {
	sockets := []string{systemSocket}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		sockets = append([]string{filepath.Join(dir, "buildkit", "buildkitd.sock")}, sockets...)
	}
	for _, socket := range sockets {
		if conn, err := net.DialTimeout("unix", socket, time.Second); err == nil {
			_ = conn.Close()
			return socket
		}
	}
	return ""
}
