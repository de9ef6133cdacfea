package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// registryStopLimit is how long the registry's running requests may take when the daemon stops.
const registryStopLimit = 5 * time.Second

// Serve runs the private registry, and the builder for clients that ask for it. It returns when ctx ends, or, with
// Options.UntilIdle, when the last client has left. If another daemon runs, Serve holds a lease on that one, and takes over when it
// ends. The error wraps ErrPortTaken if another program has the registry's port.
func Serve(ctx context.Context, opt Options) error {
	if !Supported() {
		return errNotLinux
	}
	first, start, err := inherited()
	if err != nil {
		return err
	}
	if first == nil {
		return serveForeground(ctx, opt)
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

// serveForeground runs the daemon for the command serve. If another daemon runs, it first holds a lease on that one until it ends.
func serveForeground(ctx context.Context, opt Options) error {
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

// ended returns nil if ctx has ended, since that is success, and else err.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// daemon runs the private pair.
type daemon struct {
	home     *home
	opt      Options
	clients  *clients
	builder  *builder
	registry *server
	listener net.Listener // on the socket
}

func newDaemon(h *home, opt Options) *daemon {
	d := &daemon{home: h, opt: opt, clients: newClients(opt.UntilIdle)}
	d.builder = newBuilder(h, opt, d.notice)
	return d
}

// run runs the daemon until it ends. It releases the start lock when clients can connect. first is a client that is connected
// already, or nil.
func (d *daemon) run(ctx context.Context, start *lock, first *peer) error {
	defer start.release()
	life, err := takeLock(ctx, d.home.daemonLock())
	if err != nil {
		return err
	}
	defer life.release()
	outer := ctx
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
	e := graceful
	if outer.Err() != nil {
		e = quick
	}
	d.stop(cancel, e)
	return err
}

// listen opens the registry's port first and then the socket, so that a client with a greeting can use the registry.
func (d *daemon) listen(ctx context.Context) (err error) {
	if d.registry, err = newServer(ctx, d.home, d.opt); err != nil {
		return err
	}
	// This process holds the daemon lock, so the daemon that made the socket has ended.
	if err := os.Remove(d.home.socket()); err != nil && !errors.Is(err, os.ErrNotExist) {
		d.registry.stop(registryStopLimit)
		return err
	}
	if d.listener, err = net.Listen("unix", d.home.socket()); err != nil {
		d.registry.stop(registryStopLimit)
		return fmt.Errorf("listening for clients: %w", err)
	}
	return nil
}

// announce logs the registry's address. For the command serve, it also logs how to log in, and starts the builder.
func (d *daemon) announce(ctx context.Context) {
	d.opt.log(fmt.Sprintf("registry on %s, data in %s", d.home.registry(), d.home.data))
	if d.opt.UntilIdle {
		return
	}
	d.opt.log(fmt.Sprintf("every user of this machine may pull from it; to push, log in: docker login -u %s --password-stdin %s < %s",
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

// stop disconnects the clients, then stops the builder, and then the registry: the builder may still push to it.
func (d *daemon) stop(cancel context.CancelFunc, e ending) {
	_ = d.listener.Close() // removes the socket too
	d.clients.closeAll()
	cancel()
	d.builder.stop(e)
	d.registry.stop(e.registry)
}

// notice logs a message and sends it to all clients.
func (d *daemon) notice(text string) {
	d.opt.log(text)
	d.clients.broadcast(text)
}

func (d *daemon) acceptAll(ctx context.Context) {
	for {
		conn, err := d.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // probably out of file descriptors: try again
			d.opt.log(fmt.Sprintf("WARNING: accepting a client: %v", err))
			time.Sleep(100 * time.Millisecond)
			continue
		}
		d.accept(ctx, newPeer(conn))
	}
}

// accept adds a client and serves it. If the daemon is stopping, accept closes the connection.
func (d *daemon) accept(ctx context.Context, p *peer) {
	if !d.clients.add(p) {
		p.close()
		return
	}
	go func() {
		defer d.clients.remove(p)
		defer d.builder.removeUser(p)
		greeting := &hello{Protocol: protocol, PID: os.Getpid(), Registry: d.home.registry(), Token: d.registry.token, Builder: d.builder.running()}
		if p.send(message{Hello: greeting}) != nil {
			return
		}
		d.handle(ctx, p)
	}()
}

// handle serves a client's requests until it leaves.
func (d *daemon) handle(ctx context.Context, p *peer) {
	for {
		var r request
		if p.in.Decode(&r) != nil {
			return
		}
		d.builder.addUser(p, r.Trust)
		// In a goroutine, so that the loop notices when the client leaves.
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
