package testenv

import (
	"io"
	"net"
	"net/url"
	"sync"
)

// Gate is a proxy in front of a builder that delays connections. A test can use it to act after a client has planned, and before
// the builder gets the project.
type Gate struct {
	Addr string // for --addr

	listener net.Listener
	all      sync.WaitGroup
}

// NewGate listens on a socket. For each connection, it calls opened with the connection's number, starting at 1, and then forwards
// the connection to the builder.
func NewGate(socket string, builder *Builder, opened func(n int)) (*Gate, error) {
	to, err := url.Parse(builder.Addr)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	g := &Gate{Addr: "unix://" + socket, listener: listener}
	g.all.Go(func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			opened(n)
			g.all.Go(func() { pass(conn, to) })
		}
	})
	return g, nil
}

// Close stops listening, and waits for open connections to end.
func (g *Gate) Close() {
	_ = g.listener.Close()
	g.all.Wait()
}

func pass(conn net.Conn, to *url.URL) {
	defer conn.Close()
	builder, err := net.Dial(to.Scheme, to.Path)
	if err != nil {
		return
	}
	defer builder.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, builder}, {builder, conn}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close() // also ends the other direction
		})
	}
	both.Wait()
}
