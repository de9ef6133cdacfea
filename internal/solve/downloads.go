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

// DownloadsName is the name of the local directory of Downloads in a solve.
const DownloadsName = "tools"

// Downloads downloads tools on this machine, with the client's certificate authorities and proxy, which the builder's own downloads
// do not use. The builder gets the files as a local directory. They are hashed again while they are sent, like the source,
// because other programs may write to the cache.
type Downloads struct {
	// Local is the directory with all files that were fetched.
	Local *Local

	ctx   context.Context // of the command
	files *trust.Downloads
}

// DownloadOptions configure Downloads.
type DownloadOptions struct {
	CAFile string          // certificate authorities in addition to the system's
	Proxy  *bkllb.ProxyEnv // nil uses no proxy
	Warn   func(string)
}

// OpenDownloads opens the user's cache of downloads, and creates it if there is none. Fetch ends when ctx does. It is an error if the
// user has no cache directory, or if CAFile cannot be used.
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

// Fetch downloads a file and returns a state with it, with mode 0755. The state depends on the checksum: that of the download, or
// that of the content if the download has none.
func (d *Downloads) Fetch(file llb.Download) (bkllb.State, error) {
	got, err := d.files.Fetch(d.ctx, trust.File{Name: file.Name, URL: file.URL, SHA256: file.SHA256})
	if err != nil {
		return bkllb.State{}, fmt.Errorf("downloading %s from %s: %w%s", file.Title, redact.URL(file.URL), err, imagebuild.ClientStore.Advice(err.Error()))
	}
	if err := d.list(got); err != nil {
		return bkllb.State{}, err
	}
	tools := bkllb.Local(DownloadsName, bkllb.IncludePatterns([]string{got.SHA256}), bkllb.SharedKeyHint(DownloadsName+got.SHA256),
		bkllb.WithCustomName("[tools] read "+file.Title))
	return bkllb.Scratch().File(bkllb.Copy(tools, "/"+got.Path, "/"+file.Name,
		&bkllb.CopyInfo{Mode: &bkllb.ChmodOpt{Mode: 0o755}}), bkllb.WithCustomName("[tools] take "+file.Title)), nil
}

// list adds a file to the local directory.
func (d *Downloads) list(got trust.Fetched) error {
	e := tags.Entry{Path: got.Path, Mode: 0o644, Size: got.Size}
	sum, err := hex.DecodeString(got.SHA256)
	if err != nil || copy(e.SHA256[:], sum) != len(e.SHA256) {
		return fmt.Errorf("%q is not a sha256", got.SHA256)
	}
	d.Local.Add(e)
	return nil
}
