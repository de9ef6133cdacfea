package solve

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"

	bkllb "github.com/moby/buildkit/client/llb"
	"golang.org/x/net/http/httpproxy"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/redact"
	"github.com/rtbuild/rtbuild/internal/trust"
	"github.com/rtbuild/rtbuild/llb"
	"github.com/rtbuild/rtbuild/tags"
)

// DownloadsName is the name under which a build asks for the directory of Downloads.
const DownloadsName = "tools"

// Downloads fetches tools on this machine, with its trust and proxy, and gives them to the builder as a directory. The builder's own
// downloads know neither. Like the source, a file is hashed again while it is sent, because others may write to the cache.
type Downloads struct {
	// Local is the directory of all files that were fetched.
	Local *Local

	ctx   context.Context // of the command: a graph that asks for files has none
	files *trust.Downloads
}

// DownloadOptions say how files are fetched.
type DownloadOptions struct {
	CAFile string          // certificate authorities beside the system's
	Proxy  *bkllb.ProxyEnv // nil is no proxy
	Warn   func(string)
}

// OpenDownloads opens the user's cache of downloads. Fetch ends when ctx does.
func OpenDownloads(ctx context.Context, here Installation, opts DownloadOptions) (*Downloads, error) {
	dir, err := trust.CacheDir("downloads")
	if err != nil {
		return nil, err
	}
	options := trust.DownloadOptions{CAFile: opts.CAFile, Warn: opts.Warn}
	if p := opts.Proxy; p != nil {
		options.Proxy = httpproxy.Config{
			HTTPProxy: cmp.Or(p.HTTPProxy, p.AllProxy), HTTPSProxy: cmp.Or(p.HTTPSProxy, p.AllProxy), NoProxy: p.NoProxy,
		}
	}
	d := &Downloads{ctx: ctx}
	if d.files, err = trust.OpenDownloads(dir, options); err != nil {
		return nil, err
	}
	d.Local, err = NewLocal(dir, nil, here)
	return d, err
}

// Fetch returns a state that holds a file under its name, with mode 0755. The file's checksum decides what the builder is sent; where
// none is known, it is the checksum that the file turned out to have.
func (d *Downloads) Fetch(file llb.Download) (bkllb.State, error) {
	got, err := d.files.Fetch(d.ctx, trust.File{Name: file.Name, URL: file.URL, SHA256: file.SHA256})
	if err != nil {
		return bkllb.State{}, fmt.Errorf("downloading %s from %s: %w%s", file.Title, redact.URL(file.URL), err, imagebuild.TrustAdvice(err, "rtbuild-client"))
	}
	if err := d.list(got); err != nil {
		return bkllb.State{}, err
	}
	tools := bkllb.Local(DownloadsName, bkllb.IncludePatterns([]string{got.SHA256}), bkllb.SharedKeyHint(DownloadsName+got.SHA256),
		bkllb.WithCustomName("[tools] read "+file.Title))
	return bkllb.Scratch().File(bkllb.Copy(tools, "/"+got.Path, "/"+file.Name,
		&bkllb.CopyInfo{Mode: &bkllb.ChmodOpt{Mode: 0o755}}), bkllb.WithCustomName("[tools] take "+file.Title)), nil
}

// list adds a file to those that the builder may ask for.
func (d *Downloads) list(got trust.Fetched) error {
	e := tags.Entry{Path: got.Path, Mode: 0o644, Size: got.Size}
	sum, err := hex.DecodeString(got.SHA256)
	if err != nil || copy(e.SHA256[:], sum) != len(e.SHA256) {
		return fmt.Errorf("%q is no sha256", got.SHA256)
	}
	d.Local.Add(e)
	return nil
}
