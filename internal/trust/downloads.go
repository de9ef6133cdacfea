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
	responseTime = 30 * time.Second // until a server answers
	stallTime    = 60 * time.Second // without a byte of the body
	totalTime    = 2 * time.Hour    // however it comes
	maxRedirects = 10
)

// File is what is downloaded.
type File struct {
	Name   string // a file name
	URL    string
	SHA256 string // hexadecimal digits; empty if it is not known: then the server decides what the file is
}

// Fetched is a file that was downloaded, now or before, and has been checked.
type Fetched struct {
	Path   string // below the downloads' directory, with slashes
	Size   int64
	SHA256 string // what it is
}

// DownloadOptions configure Downloads.
type DownloadOptions struct {
	CAFile string           // trusted beside the system's authorities
	Proxy  httpproxy.Config // empty is none
	Warn   func(string)     // is told of files in the cache that are not what they were; may be nil
}

// Downloads fetches files into a directory that outlives the process. What is in there is hashed at every use: it is believed for its
// checksum, never for its name. It is safe for concurrent use.
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

// OpenDownloads returns the downloads of a directory.
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

// checkRedirect refuses to leave https: a file without a checksum would be whatever somebody on the way makes of it.
func checkRedirect(next *http.Request, before []*http.Request) error {
	switch last := before[len(before)-1].URL; {
	case len(before) > maxRedirects:
		return fmt.Errorf("the server redirects more than %d times", maxRedirects)
	case last.Scheme == "https" && next.URL.Scheme != "https":
		address := url.URL{Scheme: next.URL.Scheme, Host: next.URL.Host, Path: next.URL.Path} // the rest may hold a token
		return fmt.Errorf("the server leads from https to %s, which anybody on the way may change", address.String())
	}
	return nil
}

// Dir is the directory that the paths of fetched files are below.
func (d *Downloads) Dir() string { return d.dir }

// Fetched returns all files that were fetched, by path.
func (d *Downloads) Fetched() []Fetched {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []Fetched
	for _, path := range slices.Sorted(maps.Keys(d.fetched)) {
		all = append(all, d.fetched[path])
	}
	return all
}

// Fetch returns a file from the directory if it is there and is what it should be, else downloads it. Of a file whose checksum is not known
// the server is asked each time whether it still has the same.
func (d *Downloads) Fetch(ctx context.Context, file File) (Fetched, error) {
	if !filepath.IsLocal(file.Name) || file.Name != filepath.Base(file.Name) {
		return Fetched{}, fmt.Errorf("%q is no file name", file.Name)
	}
	if file.SHA256 != "" && !isSHA256(file.SHA256) {
		return Fetched{}, fmt.Errorf("%q is no sha256", file.SHA256)
	}
	made, err, _ := d.flights.Do(file.SHA256+" "+file.Name+" "+file.URL, func() (any, error) {
		if file.SHA256 == "" {
			return d.current(ctx, file)
		}
		if there, err := d.there(file.Name, file.SHA256); there != nil || err != nil {
			return there, err
		}
		got, _, err := d.get(ctx, file, "")
		return got, err
	})
	if err != nil {
		return Fetched{}, err
	}
	got := made.(*Fetched)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fetched[got.Path] = *got
	return *got, nil
}

// there returns a file of the cache, nil if there is none. One that is not what it was is removed.
func (d *Downloads) there(name, sha256 string) (*Fetched, error) {
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
	d.warn(fmt.Sprintf("%s is not what was downloaded, and is removed: %v", path, err))
	return nil, os.RemoveAll(path)
}

// errIrregular is why something in the cache is not read.
var errIrregular = errors.New("it is no regular file")

// hashOf reads a regular file.
func hashOf(path string) (size int64, sum string, err error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, "", err
	}
	if !info.Mode().IsRegular() {
		return 0, "", errIrregular
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

// record is what is known of a file without a checksum: what the address gave last.
type record struct {
	SHA256 string `json:"sha256"`
	ETag   string `json:"etag"` // by which the server knows what we have
}

// current returns the file that an address has now. A cached one counts if the server says so: else one wrong answer would last for ever.
func (d *Downloads) current(ctx context.Context, file File) (*Fetched, error) {
	note := filepath.Join(d.dir, "by-address", sum([]byte(file.URL)))
	var known record
	var cached *Fetched
	if data, err := os.ReadFile(note); err == nil && json.Unmarshal(data, &known) == nil && isSHA256(known.SHA256) && known.ETag != "" {
		if cached, err = d.there(file.Name, known.SHA256); err != nil {
			return nil, err
		}
	}
	etag := ""
	if cached != nil {
		etag = known.ETag
	}
	got, etag, err := d.get(ctx, file, etag)
	if err != nil || got == nil {
		return cached, err
	}
	data, err := json.Marshal(record{got.SHA256, etag})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(note), 0o700)
	}
	if err == nil {
		err = keep(note, data)
	}
	return got, err
}

func isSHA256(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// get downloads a file, and returns the server's name for this state of it. It returns no file if that is the one that the caller has.
func (d *Downloads) get(ctx context.Context, file File, etag string) (*Fetched, string, error) {
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
	body := &watched{Reader: io.LimitReader(res.Body, d.limit+1), limit: d.stall}
	body.timer = time.AfterFunc(d.stall, func() { cancel(fmt.Errorf("the server sent nothing for %s", d.stall)) })
	defer body.timer.Stop()
	got, err := d.save(file, body)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return got, res.Header.Get("ETag"), err
}

func (d *Downloads) tooLarge() error {
	return fmt.Errorf("it is larger than %d bytes, which is as much as a tool may have", d.limit)
}

// save keeps what is read under its checksum, which must be the file's.
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

// watched is a body whose bytes put off the end of our patience.
type watched struct {
	io.Reader
	timer *time.Timer
	limit time.Duration
}

// Read implements io.Reader.
func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.timer.Reset(w.limit)
	}
	return n, err
}

// withoutAddress takes the address out of an error: it may hold a token. The caller names it.
func withoutAddress(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return request.Err
	}
	return err
}
