package embedded

import "sync"

// clients are the clients with a lease.
type clients struct {
	untilIdle bool
	idle      chan struct{} // closed when the last one has left, if untilIdle

	mu     sync.Mutex
	closed bool
	peers  map[*peer]struct{}
}

func newClients(untilIdle bool) *clients {
	return &clients{untilIdle: untilIdle, idle: make(chan struct{}), peers: map[*peer]struct{}{}}
}

// add adds a client, and reports whether the daemon still takes clients.
func (c *clients) add(p *peer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.peers[p] = struct{}{}
	return true
}

// remove removes a client. If it is the last, remove closes idle under the same lock as add, so no client gets a greeting from a
// daemon that stops.
func (c *clients) remove(p *peer) {
	p.close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.peers, p)
	if c.untilIdle && !c.closed && len(c.peers) == 0 {
		c.closed = true
		close(c.idle)
	}
}

// closeAll ends all leases and refuses new ones.
func (c *clients) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for p := range c.peers {
		p.close()
	}
}

// broadcast sends a notice to all clients.
func (c *clients) broadcast(text string) {
	c.mu.Lock()
	peers := make([]*peer, 0, len(c.peers))
	for p := range c.peers {
		peers = append(peers, p)
	}
	c.mu.Unlock()
	for _, p := range peers {
		_ = p.send(message{Notice: text}) // ignore the error: the client is leaving
	}
}
