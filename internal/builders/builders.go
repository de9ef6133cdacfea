// Package builders finds the builder that the user means. Flags, variables, the names of docker buildx's builders and usual sockets may
// point to a buildkitd. A Docker engine has a builder, too. This
// package defines their order. It connects to nothing but the usual sockets and the Docker engine.
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

	"github.com/rtbuild/rtbuild/internal/engine"
)

// Address says how to connect to a builder.
type Address struct {
	// Addr is as buildctl takes it: unix://, tcp://, docker-container://, podman-container://, kube-pod://, ssh://. docker://CONTEXT is
	// the builder in the Docker engine of a context, docker:// that of the current one.
	Addr string

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
	UsedBuilder Origin = "buildx's current builder" // what docker buildx use has chosen
	UsualSocket Origin = "a buildkitd at its usual socket"
	EngineHere  Origin = "the Docker engine" // of the current context
)

// Origins lists all origins in order of precedence.
var Origins = []Origin{FlagAddr, FlagBuilder, EnvBuilder, EnvHost, UsedBuilder, UsualSocket, EngineHere}

// Candidate is a builder that an origin points to.
type Candidate struct {
	Origin Origin
	Value  string // the address, or the name of a buildx builder

	// Problem says why the candidate is passed over, though it is the user's: its engine does not answer. Usually empty.
	Problem string
}

// byName reports whether Value is the name of a buildx builder.
func (c Candidate) byName() bool {
	return c.Origin == FlagBuilder || c.Origin == EnvBuilder || c.Origin == UsedBuilder
}

// Candidates returns all builders that an origin points to, in order of precedence: the first one is used. If there is none,
// rtbuild runs a private builder.
func (o Options) Candidates() []Candidate {
	all := o.named()
	if name := usedBuilder(); name != "" {
		all = append(all, Candidate{Origin: UsedBuilder, Value: name})
	}
	if socket := usualSocket(); socket != "" {
		all = append(all, Candidate{Origin: UsualSocket, Value: "unix://" + socket})
	}
	return append(all, engineHere()...)
}

// named returns the candidates that the user names.
func (o Options) named() []Candidate {
	var all []Candidate
	for _, c := range []Candidate{
		{Origin: FlagAddr, Value: o.Address.Addr},
		{Origin: FlagBuilder, Value: o.Name},
		{Origin: EnvBuilder, Value: os.Getenv(string(EnvBuilder))},
		{Origin: EnvHost, Value: os.Getenv(string(EnvHost))},
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

// Find returns the builder that a flag or a variable names, else buildx's current one, one at a usual socket, or that of the Docker
// engine. Its errors are those of Named.
func (o Options) Find() (Found, error) {
	if found, err := o.Named(); err != nil || found.Addr != "" {
		return found, err
	}
	return o.first(o.Candidates())
}

// FindEngine returns the Docker engine to use if nobody names a builder and images are to live in an engine's own store: buildx's current
// builder if that is an engine's, else the engine of the current context. If there is none, Addr is empty.
func (o Options) FindEngine() Found {
	found := Found{Address: o.Address}
	if name := usedBuilder(); name != "" {
		used, err := o.resolve(Candidate{Origin: UsedBuilder, Value: name})
		if _, ok := used.Engine(); ok && err == nil {
			return used
		}
		found.Note = fmt.Sprintf("buildx's current builder %s is passed over: it keeps no images; to build there, give --repository HOST/PATH", name)
	}
	for _, c := range engineHere() {
		if here, err := o.first([]Candidate{c}); err == nil && (here.Addr != "" || found.Note == "") {
			here.Note = cmp.Or(found.Note, here.Note)
			return here
		}
	}
	return found
}

func (o Options) first(all []Candidate) (Found, error) {
	found := Found{Address: o.Address}
	for _, c := range all {
		if c.Problem != "" {
			found.Note = fmt.Sprintf("%s is passed over: %s", c.Origin, c.Problem)
			continue
		}
		return o.resolve(c)
	}
	return found, nil
}

// resolve returns the builder of a candidate.
func (o Options) resolve(c Candidate) (Found, error) {
	found := Found{Candidate: c, Address: o.Address}
	if !c.byName() {
		found.Addr = c.Value
		return found, checkAddress(c)
	}
	at, note, err := findBuildx(c.Value, o.Platforms)
	if err != nil {
		return Found{}, fmt.Errorf("%s: %w", c.Origin, err)
	}
	found.Address, found.Note = o.Address.over(at), note
	return found, nil
}

// schemes are those of addresses that BuildKit's client connects to. Package solve imports what connects to the last five.
var schemes = []string{"unix", "tcp", "docker-container", "podman-container", "nerdctl-container", "kube-pod", "ssh"}

// checkAddress returns an error for an address whose scheme BuildKit's client does not know.
func checkAddress(c Candidate) error {
	scheme, rest, _ := strings.Cut(c.Value, "://")
	if name, ok := (Address{Addr: c.Value}).Engine(); ok {
		if name != "" && !engine.IsContext(name) {
			return fmt.Errorf("invalid %s %q: docker has no context %q; docker context ls lists them", c.Origin, c.Value, name)
		}
		return nil
	}
	if !slices.Contains(schemes, scheme) || rest == "" {
		return fmt.Errorf("invalid %s %q: must be docker://, or begin with %s://, such as unix:///run/buildkit/buildkitd.sock", c.Origin, c.Value, strings.Join(schemes, "://, "))
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
