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

// protocol is raised when the messages change, so that a client never misunderstands a daemon of another version.
const protocol = 2

// patience is how long the other side of the socket may take to read or write a message. Both are local.
const patience = 10 * time.Second

// hello is the daemon's greeting: the lease begins with it.
type hello struct {
	Protocol int    `json:"protocol"`
	PID      int    `json:"pid"`
	Registry string `json:"registry"`
	Token    string `json:"token"`             // with which the registry is written to
	Builder  string `json:"builder,omitempty"` // buildkitd's address, if it runs
}

// request is what a client asks for.
type request struct {
	Builder bool  `json:"builder"`
	Trust   Trust `json:"trust"` // that the builder is to have
}

// message is what the daemon says: one of its fields is set.
type message struct {
	Hello   *hello  `json:"hello,omitempty"`
	Address string  `json:"address,omitempty"` // answers a request for the builder
	Error   *remote `json:"error,omitempty"`   // answers a request, or stands in for the greeting
	Notice  string  `json:"notice,omitempty"`  // answers nothing: something happened
}

// remote is an error that has crossed the socket. It keeps its cause by name.
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

// peer is one end of a lease's connection. JSON values follow each other on it.
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
	_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	return p.out.Encode(v)
}

func (p *peer) close() { _ = p.conn.Close() }

// greeting reads what the daemon says first, and returns errNoDaemon if it hangs up instead.
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
		return nil, fmt.Errorf("the private registry is run by another version of rtbuild: wait until its clients have ended, or stop its serve%s", m.pid())
	}
	return m.Hello, nil
}

func (m *message) pid() string {
	if m.Hello == nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", m.Hello.PID)
}
