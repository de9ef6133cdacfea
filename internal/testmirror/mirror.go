package testmirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rtbuild/rtbuild/llb"
)

// Mirror is an HTTP server on loopback that stands in for several sites, each in its own folder.
type Mirror struct {
	URL string // http://127.0.0.1:PORT

	cache  string
	debian string // directory of the files made from Debian's packages
	docker string // directory of Docker's apt repository
	index  index
	server *http.Server

	mu       sync.Mutex
	made     map[string]func() ([]byte, error) // files that are made on demand, by name
	real     map[string]string                 // files of this machine, by real address
	requests []Request
	faults   []string
	fault    func(w http.ResponseWriter, r *http.Request) bool
}

// Request is a request that a Mirror got.
type Request struct {
	Site      string // "https://github.com"; empty if the path belongs to no site
	Method    string
	Path      string // below the site
	Status    int    // of the response; 0 if the connection was cut
	Range     string
	UserAgent string
}

// site is a real address, and the mirror's folder for it.
type site struct {
	address, folder string
	find            func(m *Mirror, path string) (file, error)
}

// sites lists the sites that a Mirror stands in for.
var sites = []site{
	{"https://github.com", "github", (*Mirror).release},
	{"https://conda.anaconda.org", "conda", (*Mirror).channel},
	{"https://pypi.org", "pypi", (*Mirror).simple},
	{"https://files.pythonhosted.org", "files", (*Mirror).wheel},
	{"https://cdn.playwright.dev", "playwright", (*Mirror).browser},
	{"https://download.docker.com", "docker", (*Mirror).apt},
}

// file is the file at an address: content, or a file on this machine.
type file struct {
	content  []byte
	path     string
	mimeType string
	redirect string // where the real site redirects another spelling of the path
	json     []byte // the content for clients that accept JSON
}

// bytes returns the file's content.
func (f file) bytes() ([]byte, error) {
	if f.path == "" {
		return f.content, nil
	}
	return os.ReadFile(f.path)
}

// errAbsent means that the site has no such file.
var errAbsent = errors.New("nothing is there")

// absent returns an error that says why a site has no file at a path. It wraps errAbsent.
func absent(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errAbsent, fmt.Sprintf(format, args...))
}

// Start serves the stand-ins on a free port. It keeps what takes long to make in cacheDir (see testenv.CacheDir). The first
// start takes a minute or two, and needs root, Debian's mirror and the programs that hack/deps installs.
func Start(ctx context.Context, cacheDir string) (*Mirror, error) {
	m := &Mirror{cache: cacheDir, made: map[string]func() ([]byte, error){}, real: map[string]string{}}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		m.debian, err = cached(cacheDir, "debian-trixie-"+runtime.GOARCH, func(dir string) error { return makeDebian(ctx, dir) })
		return err
	})
	var wheels string
	group.Go(func() (err error) {
		wheels, err = cached(cacheDir, "uv-wheels-"+runtime.GOARCH, func(dir string) error {
			return fetchWheels(ctx, dir, "uv", llb.UVWheels(runtime.GOARCH))
		})
		return err
	})
	group.Go(func() (err error) {
		m.docker, err = cached(cacheDir, "docker", func(dir string) error { return makeDocker(ctx, dir) })
		return err
	})
	group.Go(func() error {
		for _, name := range []string{"uv", "micromamba", "editor"} {
			if _, err := m.program(name, runtime.GOARCH); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var err error
	if m.index, err = newIndex(filepath.Join(m.debian, "wheels"), wheels); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m.URL = "http://" + listener.Addr().String()
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go m.server.Serve(listener) //nolint:errcheck // it ends with Close
	return m, nil
}

// ServeTLS also serves HTTPS on a listener.
func (m *Mirror) ServeTLS(listener net.Listener, certificate tls.Certificate) {
	go m.server.Serve(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})) //nolint:errcheck // it ends with Close
}

// Close stops the server and its current responses.
func (m *Mirror) Close() error { return m.server.Close() }

// Mirrors maps the sites' addresses to this server's: the value of network.mirrors in runtime.yaml.
func (m *Mirror) Mirrors() map[string]string { return MirrorsAt(m.URL) }

// MirrorsAt returns the value of Mirrors for a mirror with another address.
func MirrorsAt(url string) map[string]string {
	mirrors := map[string]string{}
	for _, s := range sites {
		mirrors[s.address] = url + "/" + s.folder
	}
	return mirrors
}

// SHA256 returns the hex digest of the stand-in for a file at a real address ("https://github.com/..."). If there is none, it
// returns a text that says so, which is not a valid digest.
func (m *Mirror) SHA256(address string) string {
	for _, s := range sites {
		path, ok := strings.CutPrefix(address, s.address+"/")
		if !ok {
			continue
		}
		f, err := m.find(s, "/"+path)
		var data []byte
		if err == nil {
			data, err = f.bytes()
		}
		if err != nil {
			return fmt.Sprintf("no digest of %s: %v", address, err)
		}
		return digest(data)
	}
	return fmt.Sprintf("no digest of %s: no stand-in for that site", address)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Requests returns the requests so far, in the order of their responses.
func (m *Mirror) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// Faults returns the requests that a correct build would not send to the real sites, each with the reason.
func (m *Mirror) Faults() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.faults)
}

// Fault sets a function that may respond instead of the mirror. It gets paths in the mirror ("/github/..."), and reports whether
// it has responded. Nil removes it.
func (m *Mirror) Fault(f func(w http.ResponseWriter, r *http.Request) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
}

// ServeHTTP responds as the sites would, and records the request.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := Request{Method: r.Method, Path: r.URL.Path, Range: r.Header.Get("Range"), UserAgent: r.UserAgent()}
	response := &statusWriter{ResponseWriter: w}
	defer func() {
		request.Status = response.status
		m.mu.Lock()
		m.requests = append(m.requests, request)
		m.mu.Unlock()
	}()
	m.mu.Lock()
	fault := m.fault
	m.mu.Unlock()
	folder, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	at := slices.IndexFunc(sites, func(s site) bool { return s.folder == folder })
	if at >= 0 {
		request.Site, request.Path = sites[at].address, "/"+path
	}
	if fault != nil && fault(response, r) {
		return
	}
	switch {
	case at < 0:
		m.refuse(response, r, "no site has this folder")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		m.refuse(response, r, "only GET and HEAD are supported")
	case r.URL.RawQuery != "":
		m.refuse(response, r, "requests to the real site have no query")
	default:
		f, err := m.find(sites[at], "/"+path)
		if err != nil {
			m.refuse(response, r, sites[at].address+"/"+path+": "+err.Error())
			return
		}
		f.serve(response, r)
	}
}

// refuse responds with 404 and records the request as a fault.
func (m *Mirror) refuse(w http.ResponseWriter, r *http.Request, why string) {
	m.mu.Lock()
	m.faults = append(m.faults, r.Method+" "+r.URL.RequestURI()+": "+why)
	m.mu.Unlock()
	http.Error(w, why+" (a stand-in of rtbuild's tests)", http.StatusNotFound)
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Stand-In", "rtbuild's tests")
	if f.redirect != "" {
		w.Header().Set("Location", f.redirect)
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	if f.json != nil {
		w.Header().Set("Vary", "Accept")
		if strings.Contains(r.Header.Get("Accept"), simpleJSON) {
			f.content, f.mimeType = f.json, simpleJSON
		}
	}
	data, err := f.bytes()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", f.mimeType)
	if f.mimeType == "" {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	w.Header().Set("ETag", `"`+digest(data)[:32]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// statusWriter records the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap supports [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// once returns the result of build for a name, and calls it only once.
func (m *Mirror) once(name string, build func() ([]byte, error)) ([]byte, error) {
	m.mu.Lock()
	f, ok := m.made[name]
	if !ok {
		f = sync.OnceValues(build)
		m.made[name] = f
	}
	m.mu.Unlock()
	return f()
}

// fileBelow returns a file of a directory; path begins with "/".
func fileBelow(dir, path string) (file, error) {
	name := strings.TrimPrefix(path, "/")
	if !filepath.IsLocal(name) {
		return file{}, absent("not a path of a file")
	}
	name = filepath.Join(dir, name)
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return file{}, absent("no such file")
	}
	return file{path: name}, nil
}
