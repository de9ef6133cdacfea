package trust

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/sync/singleflight"
)

const (
	maxDownload  = 4 << 30          // bytes
	responseTime = 30 * time.Second // until the response begins
	stallTime    = 60 * time.Second // between two reads of the body
	totalTime    = 2 * time.Hour    // until the body is complete
	maxRedirects = 10
)

// File is a file to download.
type File struct {
	Name   string // a file name
	URL    string
	SHA256 string // hexadecimal digits; if empty, any content is accepted
}

// Fetched is a file in the downloads' directory that has been verified.
type Fetched struct {
	Path   string // below the downloads' directory, with slashes
	Size   int64
	SHA256 string // of its content
}

// DownloadOptions configure Downloads.
type DownloadOptions struct {
	CAFile string           // authorities that are trusted in addition to the system's
	Proxy  httpproxy.Config // the zero value uses no proxy
	Warn   func(string)     // receives warnings about damaged files in the cache; may be nil
}

// Downloads downloads files into a directory, which later processes use as a cache. It hashes a cached file at every use, and
// never relies on its name. It is safe for concurrent use.
type Downloads struct {
	dir    string
	client *http.Client
	warn   func(string)
	limit  int64         // of a file, in bytes
	stall  time.Duration // see stallTime
	total  time.Duration // see totalTime

	flights singleflight.Group
	mu      sync.Mutex
	fetched map[string]Fetched // by path
}

// OpenDownloads returns Downloads for a directory. It is an error if CAFile cannot be used.
func OpenDownloads(dir string, o DownloadOptions) (*Downloads, error) {
	pool, err := Pool(o.CAFile)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = responseTime
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	proxy := o.Proxy.ProxyFunc()
	transport.Proxy = func(r *http.Request) (*url.URL, error) { return proxy(r.URL) }
	d := &Downloads{
		dir: dir, client: &http.Client{Transport: transport, CheckRedirect: checkRedirect}, warn: o.Warn,
		limit: maxDownload, stall: stallTime, total: totalTime, fetched: map[string]Fetched{},
	}
	if d.warn == nil {
		d.warn = func(string) {}
	}
	return d, nil
}

// checkRedirect refuses a redirect from https to http: anybody on the network could change a file without a checksum.
func checkRedirect(next *http.Request, before []*http.Request) error {
	switch last := before[len(before)-1].URL; {
	case len(before) > maxRedirects:
		return fmt.Errorf("the server redirects more than %d times", maxRedirects)
	case last.Scheme == "https" && next.URL.Scheme != "https":
		address := url.URL{Scheme: next.URL.Scheme, Host: next.URL.Host, Path: next.URL.Path} // the query may hold a token
		return fmt.Errorf("the server redirects from https to %s, which anybody on the network can change", address.String())
	}
	return nil
}

// Dir returns the directory that the paths of fetched files are relative to.
func (d *Downloads) Dir() string { return d.dir }

// Fetched returns all files that this process has fetched, sorted by path.
func (d *Downloads) Fetched() []Fetched {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Fetched
	for _, path := range slices.Sorted(maps.Keys(d.fetched)) {
		all = append(all, d.fetched[path])
	}
	return all
}

// Fetch returns a file from the cache if its checksum matches, else downloads it. For a file without a checksum, it asks the
// server each time whether the file has changed. Errors do not contain the URL, which may hold a token.
func (d *Downloads) Fetch(ctx context.Context, file File) (Fetched, error) {
	if !filepath.IsLocal(file.Name) || file.Name != filepath.Base(file.Name) {
		return Fetched{}, fmt.Errorf("%q is not a file name", file.Name)
	}
	if file.SHA256 != "" && !isSHA256(file.SHA256) {
		return Fetched{}, fmt.Errorf("%q is not a sha256", file.SHA256)
	}
	result, err, _ := d.flights.Do(file.SHA256+" "+file.Name+" "+file.URL, func() (any, error) {
		if file.SHA256 == "" {
			return d.fetchUnpinned(ctx, file)
		}
		if cached, err := d.cached(file.Name, file.SHA256); cached != nil || err != nil {
			return cached, err
		}
		got, _, err := d.download(ctx, file, "")
		return got, err
	})
	if err != nil {
		return Fetched{}, err
	}
	got := result.(*Fetched)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fetched[got.Path] = *got
	return *got, nil
}

// cached returns a file of the cache, or nil if there is none. It warns about a damaged file and removes it.
func (d *Downloads) cached(name, sha256 string) (*Fetched, error) {
	path := filepath.Join(d.dir, sha256, name)
	size, got, err := hashOf(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil && got == sha256:
		return &Fetched{Path: sha256 + "/" + name, Size: size, SHA256: sha256}, nil
	case err == nil:
		err = fmt.Errorf("its sha256 is %s", got)
	}
	d.warn(fmt.Sprintf("removing %s, which has changed since it was downloaded: %v", path, err))
	return nil, os.RemoveAll(path)
}

// errNotRegular means that a file of the cache was replaced by something else, such as a link.
var errNotRegular = errors.New("it is not a regular file")

// hashOf returns the size and SHA-256 of a regular file.
func hashOf(path string) (size int64, sum string, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, "", err
	}
	if !info.Mode().IsRegular() {
		return 0, "", errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, f)
	return size, hex.EncodeToString(hash.Sum(nil)), err
}

// record describes the last download of a file without a checksum.
type record struct {
	SHA256 string `json:"sha256"`
	ETag   string `json:"etag"` // the server's name for this version of the file
}

// fetchUnpinned returns the current file at an address without a known checksum. It uses a cached file only if the server says
// that it has not changed: otherwise a wrong file would stay for ever.
func (d *Downloads) fetchUnpinned(ctx context.Context, file File) (*Fetched, error) {
	recordFile := filepath.Join(d.dir, "by-address", sum([]byte(file.URL)))
	var known record
	var cached *Fetched
	if data, err := os.ReadFile(recordFile); err == nil && json.Unmarshal(data, &known) == nil && isSHA256(known.SHA256) && known.ETag != "" {
		if cached, err = d.cached(file.Name, known.SHA256); err != nil {
			return nil, err
		}
	}
	etag := ""
	if cached != nil {
		etag = known.ETag
	}
	got, etag, err := d.download(ctx, file, etag)
	if err != nil || got == nil {
		return cached, err
	}
	data, err := json.Marshal(record{got.SHA256, etag})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(recordFile), 0o700)
	}
	if err == nil {
		err = writeFile(recordFile, data)
	}
	return got, err
}

func isSHA256(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// download downloads a file and returns it with its ETag. It returns nil if the file still has the caller's ETag.
func (d *Downloads) download(ctx context.Context, file File, etag string) (*Fetched, string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := time.AfterFunc(d.total, func() { cancel(fmt.Errorf("it was not complete after %s", d.total)) })
	defer end.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, file.URL, nil)
	if err != nil {
		return nil, "", withoutAddress(err)
	}
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	res, err := d.client.Do(req)
	if err != nil {
		return nil, "", withoutAddress(cmp.Or(context.Cause(ctx), err))
	}
	defer res.Body.Close()
	switch {
	case etag != "" && res.StatusCode == http.StatusNotModified:
		return nil, etag, nil
	case res.StatusCode != http.StatusOK:
		return nil, "", fmt.Errorf("the server answered %s", res.Status)
	case res.ContentLength > d.limit:
		return nil, "", d.tooLarge()
	}
	body := &stallReader{Reader: io.LimitReader(res.Body, d.limit+1), limit: d.stall}
	body.timer = time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("the server sent nothing for %s", d.stall)) })
	defer body.timer.Stop()
	got, err := d.save(file, body)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return got, res.Header.Get("ETag"), err
}

func (d *Downloads) tooLarge() error {
	return fmt.Errorf("it is larger than %d bytes, the limit for a download", d.limit)
}

// save writes a body to the cache under its checksum. It is an error if that is not the file's.
func (d *Downloads) save(file File, body io.Reader) (*Fetched, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	temp, err := newTemp(d.dir)
	if err != nil {
		return nil, err
	}
	defer temp.discard()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(temp, hash), body)
	if err != nil {
		return nil, err
	}
	got := hex.EncodeToString(hash.Sum(nil))
	switch {
	case size > d.limit:
		return nil, d.tooLarge()
	case file.SHA256 != "" && got != file.SHA256:
		return nil, fmt.Errorf("its sha256 is %s, expected %s", got, file.SHA256)
	}
	dir := filepath.Join(d.dir, got)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &Fetched{Path: got + "/" + file.Name, Size: size, SHA256: got}, temp.commit(filepath.Join(dir, file.Name))
}

// stallReader reads a body. Each read that returns data restarts the timer.
type stallReader struct {
	io.Reader
	timer *time.Timer
	limit time.Duration
}

// Read implements io.Reader.
func (s *stallReader) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if n > 0 {
		s.timer.Reset(s.limit)
	}
	return n, err
}

// withoutAddress removes the address from an error, since it may hold a token. The caller names the file.
func withoutAddress(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}
