package embedded

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// protocol is the version of the messages. It must change with them, so that a client recognises a daemon of another version.
const protocol = 2

// ioTimeout is how long the other side of the socket may take to read or write a message. Both sides are on one machine.
const ioTimeout = 10 * time.Second

// hello is the daemon's greeting, its first message on a lease.
type hello struct {
	Protocol int    `json:"protocol"`
	PID      int    `json:"pid"`
	Registry string `json:"registry"`
	Token    string `json:"token"`             // for writing to the registry
	Builder  string `json:"builder,omitempty"` // buildkitd's address, if it runs
}

// request is a message of a client.
type request struct {
	Builder bool  `json:"builder"` // asks for the builder
	Trust   Trust `json:"trust"`   // for the builder
}

// message is a message of the daemon. One of its fields is set.
type message struct {
	Hello   *hello  `json:"hello,omitempty"`
	Address string  `json:"address,omitempty"` // the reply to a request for the builder
	Error   *remote `json:"error,omitempty"`   // the reply to a request, or instead of the greeting
	Notice  string  `json:"notice,omitempty"`  // an event, not a reply
}

// remote is an error that was sent over the socket. Kind names the sentinel that it wraps.
type remote struct {
	Text string `json:"text"`
	Kind string `json:"kind,omitempty"`
}

var kinds = map[string]error{"port": ErrPortTaken, "missing": ErrMissing, "busy": ErrBusy, "died": ErrBuilderDied}

func newRemote(err error) *remote {
	r := &remote{Text: err.Error()}
	for name, kind := range kinds {
		if errors.Is(err, kind) {
			r.Kind = name
		}
	}
	return r
}

func (r *remote) Error() string { return r.Text }

func (r *remote) Unwrap() error { return kinds[r.Kind] }

// peer is one end of a lease's connection, which carries a sequence of JSON values.
type peer struct {
	conn net.Conn
	in   *json.Decoder

	mu  sync.Mutex // guards out
	out *json.Encoder
}

func newPeer(conn net.Conn) *peer {
	return &peer{conn: conn, in: json.NewDecoder(conn), out: json.NewEncoder(conn)}
}

func (p *peer) send(v any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.SetWriteDeadline(time.Now().Add(ioTimeout))
	return p.out.Encode(v)
}

func (p *peer) close() { _ = p.conn.Close() }

// greeting reads the daemon's greeting. The error wraps errNoDaemon if the daemon closes the connection instead.
func (p *peer) greeting(ctx context.Context) (*hello, error) {
	stop := context.AfterFunc(ctx, func() { _ = p.conn.SetReadDeadline(time.Now()) })
	defer stop()
	var m message
	err := p.in.Decode(&m)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, errors.Join(errNoDaemon, err)
	case m.Error != nil:
		return nil, m.Error
	case m.Hello == nil || m.Hello.Protocol != protocol:
		return nil, fmt.Errorf("another version of rtbuild runs the private registry: wait until its clients have ended, or stop its command serve%s", m.pid())
	}
	return m.Hello, nil
}

func (m *message) pid() string {
	if m.Hello == nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", m.Hello.PID)
}
