package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstPort is root's; other users' follow by their id. The range ends below the ports that kernels give to outgoing
// connections.
const (
	firstPort = 5790
	portRange = 20000
)

// A port that is taken when a user needs one for the first time is passed over: users whose ids are portRange apart start
// with the same. The step has no divisor in common with the range, so all ports are different.
const (
	portTries = 16
	portStep  = 1237
)

// port is the private registry's.
type port struct {
	number int
	named  bool // by an option or the environment
	kept   bool // references contain it: no other will do
}

// findPort gives the port that is named, or the one of the first start, or the one to try first.
func (h *home) findPort(opt Options) (port, error) {
	if text := os.Getenv(PortEnv); opt.Port != 0 || text != "" {
		number := cmp.Or(opt.Port, atoi(text))
		if !isPort(number) {
			return port{}, fmt.Errorf("invalid %s %q: %w", PortEnv, text, ErrNoPort)
		}
		return port{number: number, named: true, kept: true}, nil
	}
	data, err := os.ReadFile(h.portFile())
	if errors.Is(err, os.ErrNotExist) {
		// Images of a version that did not write the port down are at the first one.
		_, err := os.Stat(h.registryRoot())
		return port{number: defaultPort(os.Getuid(), 0), kept: err == nil}, nil
	}
	if err != nil {
		return port{}, fmt.Errorf("reading the private registry's port: %w", err)
	}
	number := atoi(strings.TrimSpace(string(data)))
	if !isPort(number) {
		return port{}, fmt.Errorf("reading the private registry's port from %s: it is a port, 1 to 65535: write the port there that the images' references have, or remove the file", h.portFile())
	}
	return port{number: number, kept: true}, nil
}

// atoi is a number, or -1 for everything else.
func atoi(text string) int {
	number, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return number
}

func isPort(number int) bool { return 1 <= number && number <= 65535 }

// defaultPort is where a user's registry is looked for first, and where after some ports were found taken.
func defaultPort(uid, taken int) int { return firstPort + (max(uid, 0)+taken*portStep)%portRange }

// listen takes the registry's port. Where none was used before, it takes the first that is free.
func (h *home) listen(ctx context.Context) (net.Listener, error) {
	tries := portTries
	if h.port.kept {
		tries = 1
	}
	first := h.port.number
	for i := range tries {
		if i > 0 {
			h.port.number = defaultPort(os.Getuid(), i)
		}
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp4", h.registry())
		if err == nil {
			return listener, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("listening on the private registry's address: %w", err)
		}
	}
	h.port.number = first
	return nil, h.taken()
}

// taken says what to do about a port that another program has.
func (h *home) taken() error {
	change := "write a free port into " + h.portFile()
	if h.port.named {
		change = fmt.Sprintf("set %s to a free port and keep it", PortEnv)
	}
	return fmt.Errorf("another program, perhaps another user's, listens on %s, the private registry's address (%w): stop it, ss -ltnp names it; or %s, "+
		"and images are built again, since their references contain the port; or name a registry with --repository", h.registry(), ErrPortTaken, change)
}

// keepPort writes the port down that the first start has found.
func (h *home) keepPort() error {
	if h.port.named {
		return nil
	}
	h.port.kept = true
	if _, err := os.Stat(h.portFile()); err == nil {
		return nil
	}
	if err := writeWhole(h.portFile(), strconv.Itoa(h.port.number)+"\n"); err != nil {
		return fmt.Errorf("writing the private registry's port down: %w", err)
	}
	return nil
}
