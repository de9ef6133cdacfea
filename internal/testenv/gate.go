package testenv

import (
	"io"
	"net"
	"net/url"
	"sync"
)

// Gate stands before a builder: whoever connects waits until something is done. So a test can act after a client has
// planned, and before the builder gets anything.
type Gate struct {
	Addr string // for --addr

	listener net.Listener
	all      sync.WaitGroup
}

// NewGate listens on a socket. It calls opened with the number of each connection, the first being 1, before it passes that on
// to a builder.
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

// Close ends the gate when its connections have ended.
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
			_ = way[0].Close() // ends the other way, too
		})
	}
	both.Wait()
}
