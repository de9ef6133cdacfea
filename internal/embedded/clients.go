package embedded

import "sync"

// clients counts the leases.
type clients struct {
	untilIdle bool
	idle      chan struct{} // closed when the last one has gone, if that is the end

	mu     sync.Mutex
	closed bool
	peers  map[*peer]struct{}
}

func newClients(untilIdle bool) *clients {
	return &clients{untilIdle: untilIdle, idle: make(chan struct{}), peers: map[*peer]struct{}{}}
}

// add reports false if it is too late to come.
func (c *clients) add(p *peer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.peers[p] = struct{}{}
	return true
}

// remove forgets a client. The decision to end is made here, under the lock that add takes: nobody is greeted by a
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

// closeAll ends all leases and takes no more.
func (c *clients) closeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for p := range c.peers {
		p.close()
	}
}

// tell sends a notice to all clients.
func (c *clients) tell(text string) {
	c.mu.Lock()
	peers := make([]*peer, 0, len(c.peers))
	for p := range c.peers {
		peers = append(peers, p)
	}
	c.mu.Unlock()
	for _, p := range peers {
		_ = p.send(message{Notice: text}) // who cannot be told is about to go
	}
}
