package main

import (
	"context"
	"path/filepath"

	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
)

// network is what builds of OpenHands reach here: a trixie base, Debian's packages through a cache, and stand-ins for other sites.
type network struct {
	base   string
	mirror *testmirror.Mirror
	debian *debianCache
}

func (b *bench) startNetwork(ctx context.Context) (_ *network, err error) {
	n := &network{}
	defer func() {
		if err != nil {
			n.Close()
		}
	}()
	cache, err := testenv.CacheDir()
	if err != nil {
		return nil, err
	}
	b.say("starting the stand-ins for other sites")
	if n.mirror, err = testmirror.Start(ctx, cache); err != nil {
		return nil, err
	}
	if n.debian, err = startDebianCache(filepath.Join(b.dir, "debian-cache")); err != nil {
		return nil, err
	}
	n.base, err = b.registry.PushBaseOf(ctx, "trixie")
	return n, err
}

// Close stops the servers.
func (n *network) Close() {
	if n.debian != nil {
		n.debian.Close()
	}
	if n.mirror != nil {
		n.mirror.Close()
	}
}

// proxy returns the proxy settings of all builds. They exclude the stand-ins, which are on loopback.
func (n *network) proxy() map[string]string {
	return map[string]string{"HTTP_PROXY": n.debian.url, "NO_PROXY": "127.0.0.1"}
}
