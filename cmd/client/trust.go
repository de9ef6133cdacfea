package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/tonistiigi/fsutil"
	"golang.org/x/net/http/httpproxy"

	"github.com/rtbuild/rtbuild/internal/build"
	rtllb "github.com/rtbuild/rtbuild/llb"
)

// bundles are where systems keep their certificate authorities, in the order in which crypto/x509 looks.
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
	"/etc/ssl/ca-bundle.pem",             // openSUSE
	"/etc/ssl/cert.pem",                  // Alpine, macOS
}

// caBundle is a file that holds the host's certificate authorities and those of --ca-file, or "" where there are none.
func caBundle(caFile string) (string, error) {
	host := hostBundle()
	if caFile == "" {
		return host, nil
	}
	extra, err := os.ReadFile(caFile)
	if err != nil {
		return "", fmt.Errorf("--ca-file: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(extra) {
		return "", fmt.Errorf("--ca-file %s holds no certificate in PEM form", caFile)
	}
	all := extra
	if host != "" {
		if all, err = os.ReadFile(host); err != nil {
			return "", err
		}
		all = bytes.Join([][]byte{all, extra}, []byte("\n"))
	}
	return cacheFile("ca", all)
}

func hostBundle() string {
	for _, file := range append([]string{os.Getenv("SSL_CERT_FILE")}, bundles...) {
		if fi, err := os.Stat(file); err == nil && fi.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// cacheFile keeps content in the user's cache, under its digest.
func cacheFile(kind string, data []byte) (string, error) {
	dir, err := cacheDir(kind)
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, hex.EncodeToString(sum(data))+".pem")
	return file, os.WriteFile(file, data, 0o600)
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}

func cacheDir(kind string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "rtbuild", kind)
	return dir, os.MkdirAll(dir, 0o700)
}

// downloads fetches tools on this side, with our trust and proxy, and hands them to the builder as a directory.
type downloads struct {
	ctx    context.Context // of the command: the graph that asks for files has none
	caFile string
	proxy  *llb.ProxyEnv
	dir    string
	client *http.Client
}

// silence is how long a server may take to answer.
const silence = 30 * time.Second

func (d *downloads) open() (fsutil.FS, error) {
	var err error
	if d.dir, err = cacheDir("downloads"); err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	if d.caFile != "" {
		extra, err := os.ReadFile(d.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		pool.AppendCertsFromPEM(extra)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = silence
	if d.proxy != nil {
		config := httpproxy.Config{
			HTTPProxy:  cmp.Or(d.proxy.HTTPProxy, d.proxy.AllProxy),
			HTTPSProxy: cmp.Or(d.proxy.HTTPSProxy, d.proxy.AllProxy),
			NoProxy:    d.proxy.NoProxy,
		}
		proxy := config.ProxyFunc()
		transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	}
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	d.client = &http.Client{Transport: transport}
	return fsutil.NewFS(d.dir)
}

// fetch gives a file from the cache, or downloads it; its checksum decides what enters the cache.
func (d *downloads) fetch(file rtllb.Download) (llb.State, error) {
	dir := filepath.Join(d.dir, file.SHA256)
	dest := filepath.Join(dir, file.Name)
	if _, err := os.Stat(dest); err != nil {
		if err := d.download(file, dir, dest); err != nil {
			return llb.State{}, fmt.Errorf("downloading %s from %s: %w%s", file.Title, file.URL, err, build.TrustAdvice(err, "rtbuild-client"))
		}
	}
	tools := llb.Local(localTools, llb.IncludePatterns([]string{file.SHA256}), llb.SharedKeyHint(localTools+file.SHA256),
		llb.WithCustomName("[tools] read "+file.Title))
	return llb.Scratch().File(llb.Copy(tools, "/"+file.SHA256+"/"+file.Name, "/"+file.Name,
		&llb.CopyInfo{Mode: &llb.ChmodOpt{Mode: 0o755}}), llb.WithCustomName("[tools] take "+file.Title)), nil
}

func (d *downloads) download(file rtllb.Download, dir, dest string) error {
	req, err := http.NewRequestWithContext(d.ctx, http.MethodGet, file.URL, nil)
	if err != nil {
		return err
	}
	res, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answered %s", res.Status)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".download-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(temp, hash), res.Body); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != file.SHA256 {
		return fmt.Errorf("its sha256 is %s, expected %s", got, file.SHA256)
	}
	return os.Rename(temp.Name(), dest)
}
