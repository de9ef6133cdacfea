package builders

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/rtbuild/rtbuild/internal/engine"
)

// engineScheme begins the address of the builder in a Docker engine.
const engineScheme = "docker://"

// EngineAddress returns the address of the builder in the Docker engine of a context.
func EngineAddress(context string) string { return engineScheme + context }

// Engine returns the context of the Docker engine that has the builder, and whether the builder is in one.
func (a Address) Engine() (context string, ok bool) { return strings.CutPrefix(a.Addr, engineScheme) }

// engineTimeout is how long to wait for the response of a Docker engine that the user did not name.
const engineTimeout = 3 * time.Second

// engineHere returns the Docker engine of the current context. If the user has chosen it and it does not answer, the candidate has a
// problem. There is none if there is nothing at docker's default address.
func engineHere() []Candidate {
	found, err := engine.Open("")
	if err != nil {
		return []Candidate{{Origin: EngineHere, Problem: err.Error()}}
	}
	defer found.Close()
	if !engine.IsChosen() && !exists(found.DaemonHost()) {
		return nil
	}
	c := Candidate{Origin: EngineHere, Value: EngineAddress(found.Context)}
	ctx, cancel := context.WithTimeout(context.Background(), engineTimeout)
	defer cancel()
	if err := found.Ping(ctx); err != nil {
		c.Problem = fmt.Sprintf("context %s does not answer: %v", found.Context, err)
	}
	return []Candidate{c}
}

// exists reports whether the socket of an address exists. Addresses of other kinds may always exist.
func exists(host string) bool {
	socket, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		return true
	}
	_, err := os.Stat(socket)
	return !errors.Is(err, fs.ErrNotExist)
}
