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

// firstPort is root's port; that of another user is its id higher, modulo portRange. The range ends below the ports that kernels
// use for outgoing connections.
const (
	firstPort = 5790
	portRange = 20000
)

// If the port is taken at a user's first start, the next try is portStep higher: users whose ids are portRange apart start with the
// same port. portStep and portRange have no common divisor, so all tries differ.
const (
	portTries = 16
	portStep  = 1237
)

// port is the port of the private registry.
type port struct {
	number int
	named  bool // by an option or the environment
	kept   bool // references contain it, so it must not change
}

// findPort returns the port that the user names, or that of the first start, or the one to try first.
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
		// A registry without a port file is of an early version, which always used the first port.
		_, err := os.Stat(h.registryRoot())
		return port{number: defaultPort(os.Getuid(), 0), kept: err == nil}, nil
	}
	if err != nil {
		return port{}, fmt.Errorf("reading the private registry's port: %w", err)
	}
	number := atoi(strings.TrimSpace(string(data)))
	if !isPort(number) {
		return port{}, fmt.Errorf("reading the private registry's port from %s: must be a port from 1 to 65535: write the port of the images' references to the file, or remove the file", h.portFile())
	}
	return port{number: number, kept: true}, nil
}

// atoi returns a number, or -1 if the text is not one.
func atoi(text string) int {
	number, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return number
}

func isPort(number int) bool { return 1 <= number && number <= 65535 }

// defaultPort returns the port to try for a user after some ports were found taken.
func defaultPort(uid, taken int) int { return firstPort + (max(uid, 0)+taken*portStep)%portRange }

// listen listens on the registry's port. If the registry has had none before, it takes the first free one.
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
	return nil, h.portTaken()
}

// portTaken returns the error for a port that another program has.
func (h *home) portTaken() error {
	change := "write a free port to " + h.portFile()
	if h.port.named {
		change = fmt.Sprintf("set %s permanently to a free port", PortEnv)
	}
	return fmt.Errorf("another program, perhaps another user's, listens on %s, the private registry's address (%w): stop it (ss -ltnp shows it); or %s "+
		"(images are then built again, since their references contain the port); or name another registry with --repository", h.registry(), ErrPortTaken, change)
}

// keepPort writes the port of the first start to a file.
func (h *home) keepPort() error {
	if h.port.named {
		return nil
	}
	h.port.kept = true
	if _, err := os.Stat(h.portFile()); err == nil {
		return nil
	}
	if err := writeFileAtomic(h.portFile(), strconv.Itoa(h.port.number)+"\n"); err != nil {
		return fmt.Errorf("writing the private registry's port: %w", err)
	}
	return nil
}
