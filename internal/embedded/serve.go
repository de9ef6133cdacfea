package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// drain is how long a registry's requests under way may take when the daemon stops.
const drain = 5 * time.Second

// Serve runs the private registry, and the builder for clients that ask for it, until ctx ends; with Options.UntilIdle,
// until the last client has gone. Where another daemon runs, it holds a lease on that one, and takes over if it ends.
func Serve(ctx context.Context, opt Options) error {
	first, start, err := inherited()
	if err != nil {
		return err
	}
	if first == nil {
		return serveByHand(ctx, opt)
	}
	h, err := newHome(opt)
	if err == nil {
		err = newDaemon(h, opt).run(ctx, start, first)
	}
	if err != nil {
		_ = first.send(message{Error: newRemote(err)})
	}
	return err
}

// serveByHand becomes the daemon, or joins the one that runs for as long as that does.
func serveByHand(ctx context.Context, opt Options) error {
	h, err := newHome(opt)
	if err != nil {
		return err
	}
	if err := h.make(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		start, err := takeLock(ctx, h.startLock())
		if err != nil {
			return ended(ctx, err)
		}
		lease, err := join(ctx, h, opt)
		if errors.Is(err, errNoDaemon) {
			return ended(ctx, newDaemon(h, opt).run(ctx, start, nil))
		}
		start.release()
		if err != nil {
			return ended(ctx, err)
		}
		opt.log(fmt.Sprintf("joined process %d, which serves the registry on %s", lease.hello.PID, lease.Registry()))
		select {
		case <-ctx.Done():
		case <-lease.gone:
		}
		_ = lease.Close()
	}
	return nil
}

// ended takes the end that was asked for as success.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// daemon is the process that holds the private pair.
type daemon struct {
	home     *home
	opt      Options
	clients  *clients
	builder  *builder
	registry *server
	listener net.Listener // of the socket
}

func newDaemon(h *home, opt Options) *daemon {
	d := &daemon{home: h, opt: opt, clients: newClients(opt.UntilIdle)}
	d.builder = newBuilder(h, opt, d.notice)
	return d
}

// run serves until it is over. The start lock is given back when clients can connect; first is a client that already
// is.
func (d *daemon) run(ctx context.Context, start *lock, first *peer) error {
	defer start.release()
	life, err := takeLock(ctx, d.home.daemonLock())
	if err != nil {
		return err
	}
	defer life.release()
	asked := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := d.listen(ctx); err != nil {
		return err
	}
	if first != nil {
		d.accept(ctx, first)
	}
	go d.acceptAll(ctx)
	start.release()
	d.announce(ctx)

	select {
	case <-ctx.Done():
	case <-d.clients.idle:
	case err = <-d.registry.failed:
	}
	e := leisurely
	if asked.Err() != nil {
		e = prompt
	}
	d.stop(cancel, e)
	return err
}

// listen opens the registry's port, then the socket: who gets a greeting can use the registry.
func (d *daemon) listen(ctx context.Context) (err error) {
	if d.registry, err = newServer(ctx, d.home, d.opt); err != nil {
		return err
	}
	// The daemon lock is ours, so whoever made the socket is dead.
	if err := os.Remove(d.home.socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		d.registry.stop(drain)
		return err
	}
	if d.listener, err = net.Listen("unix", d.home.socket()); err != nil {
		d.registry.stop(drain)
		return fmt.Errorf("listening for clients: %w", err)
	}
	return nil
}

// announce tells whoever runs serve by hand what it may want to know, and brings the builder up for it.
func (d *daemon) announce(ctx context.Context) {
	d.opt.log(fmt.Sprintf("registry on %s, data in %s", d.home.registry(), d.home.data))
	if d.opt.UntilIdle {
		return
	}
	d.opt.log(fmt.Sprintf("everybody on this machine may pull from it; to push, log in: docker login -u %s --password-stdin %s < %s",
		User, d.home.registry(), d.home.tokenFile()))
	go func() {
		address, err := d.builder.start(ctx, nil, Trust{})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			d.opt.log(fmt.Sprintf("WARNING: no builder: %v", err))
		default:
			d.opt.log("buildkitd on " + address)
		}
	}()
}

// stop turns clients away, then ends the builder, then the registry, which the builder may still push to.
func (d *daemon) stop(cancel context.CancelFunc, e ending) {
	_ = d.listener.Close() // removes the socket too
	d.clients.closeAll()
	cancel()
	d.builder.stop(e)
	d.registry.stop(e.registry)
}

// notice tells everybody what happened.
func (d *daemon) notice(text string) {
	d.opt.log(text)
	d.clients.tell(text)
}

func (d *daemon) acceptAll(ctx context.Context) {
	for {
		conn, err := d.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors: the next one may go through
			d.opt.log(fmt.Sprintf("WARNING: accepting a client: %v", err))
			time.Sleep(100 * time.Millisecond)
			continue
		}
		d.accept(ctx, newPeer(conn))
	}
}

// accept counts a client and serves it, or hangs up if the daemon is stopping.
func (d *daemon) accept(ctx context.Context, p *peer) {
	if !d.clients.add(p) {
		p.close()
		return
	}
	go func() {
		defer d.clients.remove(p)
		defer d.builder.leave(p)
		greeting := &hello{Protocol: protocol, PID: os.Getpid(), Registry: d.home.registry(), Token: d.registry.token, Builder: d.builder.running()}
		if p.send(message{Hello: greeting}) != nil {
			return
		}
		d.answer(ctx, p)
	}()
}

// answer serves a client's requests until it goes.
func (d *daemon) answer(ctx context.Context, p *peer) {
	for {
		var r request
		if p.in.Decode(&r) != nil {
			return
		}
		d.builder.enter(p, r.Trust)
		// Beside the reading, which notices when the client goes.
		go func() {
			address, err := d.builder.start(ctx, p, r.Trust)
			m := message{Address: address}
			if err != nil {
				m.Error = newRemote(err)
			}
			if p.send(m) != nil {
				p.close()
			}
		}()
	}
}
