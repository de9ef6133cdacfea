package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"

	"github.com/docker/cli/cli/config/types"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/session/auth/authprovider"
	"golang.org/x/net/http/httpproxy"

	"github.com/rtbuild/rtbuild/internal/build"
	"github.com/rtbuild/rtbuild/internal/redact"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/internal/trust"
	rtllb "github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// builderLogins answers the builder, which pulls and pushes as whom we are. A helper that fails has been warned of, and most images are
// public.
func builderLogins(logins *trust.Logins) authprovider.AuthConfigProvider {
	return func(ctx context.Context, host string, scopes []string, _ authprovider.ExpireCachedAuthCheck) (types.AuthConfig, error) {
		auth, err := logins.For(ctx, host, trust.ScopeRepository(scopes...))
		if ctx.Err() != nil {
			return types.AuthConfig{}, err
		}
		return auth, nil
	}
}

// downloads fetches tools on this side, with our trust and proxy, and hands them to the builder as a directory. What was hashed
// is what is sent, as for the source: the directory is a cache that others may write to.
type downloads struct {
	ctx    context.Context // of the command: the graph that asks for files has none
	caFile string
	proxy  *llb.ProxyEnv
	files  *trust.Downloads
	local  *solve.Local
}

func (d *downloads) open(here solve.Installation) error {
	dir, err := trust.CacheDir("downloads")
	if err != nil {
		return err
	}
	options := trust.DownloadOptions{CAFile: d.caFile, Warn: warn}
	if p := d.proxy; p != nil {
		options.Proxy = httpproxy.Config{
			HTTPProxy: cmp.Or(p.HTTPProxy, p.AllProxy), HTTPSProxy: cmp.Or(p.HTTPSProxy, p.AllProxy), NoProxy: p.NoProxy,
		}
	}
	if d.files, err = trust.OpenDownloads(dir, options); err == nil {
		d.local, err = solve.NewLocal(dir, nil, here)
	}
	return err
}

// fetch gives a file as a state that holds it under its name, mode 0755. Its checksum, where none is known the one that it turned out to
// have, decides what the builder has to be sent.
func (d *downloads) fetch(file rtllb.Download) (llb.State, error) {
	got, err := d.files.Fetch(d.ctx, trust.File{Name: file.Name, URL: file.URL, SHA256: file.SHA256})
	if err != nil {
		return llb.State{}, fmt.Errorf("downloading %s from %s: %w%s", file.Title, redact.URL(file.URL), err, build.TrustAdvice(err, "rtbuild-client"))
	}
	if err := d.list(got); err != nil {
		return llb.State{}, err
	}
	tools := llb.Local(localTools, llb.IncludePatterns([]string{got.SHA256}), llb.SharedKeyHint(localTools+got.SHA256),
		llb.WithCustomName("[tools] read "+file.Title))
	return llb.Scratch().File(llb.Copy(tools, "/"+got.Path, "/"+file.Name,
		&llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o755}}), llb.WithCustomName("[tools] take "+file.Title)), nil
}

// list lets the builder have a file.
func (d *downloads) list(got trust.Fetched) error {
	e := tags.Entry{Path: got.Path, Mode: 0o644, Size: got.Size}
	sum, err := hex.DecodeString(got.SHA256)
	if err != nil || copy(e.SHA256[:], sum) != len(e.SHA256) {
		return fmt.Errorf("%q is no sha256", got.SHA256)
	}
	d.local.Add(e)
	return nil
}
