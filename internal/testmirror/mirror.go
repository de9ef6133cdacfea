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
)

// Mirror is an HTTP server on loopback that stands in for several sites, each below a folder of its own.
type Mirror struct {
	URL string // http://127.0.0.1:PORT

	cache  string
	debian string // directory of what is made from Debian's packages
	docker string // directory of Docker's apt repository
	index  index
	server *http.Server

	mu       sync.Mutex
	made     map[string]func() ([]byte, error) // what is made on demand, by its name
	requests []Request
	faults   []string
	fault    func(w http.ResponseWriter, r *http.Request) bool
}

// Request is a call that a Mirror got.
type Request struct {
	Site      string // "https://github.com"; empty for what is of no site
	Method    string
	Path      string // below the site
	Status    int    // of the answer; 0 if the connection was cut
	Range     string
	UserAgent string
}

// site is a real address that is stood in for, and the folder of the mirror where it is.
type site struct {
	address, folder string
	find            func(m *Mirror, path string) (file, error)
}

// sites are all that a Mirror stands in for.
var sites = []site{
	{"https://github.com", "github", (*Mirror).release},
	{"https://conda.anaconda.org", "conda", (*Mirror).channel},
	{"https://pypi.org", "pypi", (*Mirror).simple},
	{"https://files.pythonhosted.org", "files", (*Mirror).wheel},
	{"https://cdn.playwright.dev", "playwright", (*Mirror).browser},
	{"https://download.docker.com", "docker", (*Mirror).apt},
}

// file is what stands at an address: content, or a file on this machine.
type file struct {
	content  []byte
	path     string
	mimeType string
	redirect string // where the real site sends clients that spelt the path in another way
	json     []byte // the form that clients get who ask for JSON
}

// bytes is the file's content.
func (f file) bytes() ([]byte, error) {
	if f.path == "" {
		return f.content, nil
	}
	return os.ReadFile(f.path)
}

// errAbsent is what the real site would not have, either.
var errAbsent = errors.New("nothing is there")

// absent says why a site has nothing at a path.
func absent(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errAbsent, fmt.Sprintf(format, args...))
}

// Start serves the stand-ins, on a port that is free. What takes time to make is kept in cacheDir (see testenv.CacheDir): the
// first start takes a minute or two and needs root, Debian's mirror and what hack/deps installs.
func Start(ctx context.Context, cacheDir string) (*Mirror, error) {
	m := &Mirror{cache: cacheDir, made: map[string]func() ([]byte, error){}}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		m.debian, err = cached(cacheDir, "debian-trixie-"+runtime.GOARCH, func(dir string) error { return makeDebian(ctx, dir) })
		if err == nil {
			m.index, err = newIndex(filepath.Join(m.debian, "wheels"))
		}
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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m.URL = "http://" + listener.Addr().String()
	m.server = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go m.server.Serve(listener) //nolint:errcheck // it ends with Close
	return m, nil
}

// ServeTLS has it answer to https on a listener, too.
func (m *Mirror) ServeTLS(listener net.Listener, certificate tls.Certificate) {
	go m.server.Serve(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}})) //nolint:errcheck // it ends with Close
}

// Close ends the server and what it is answering.
func (m *Mirror) Close() error { return m.server.Close() }

// Mirrors are the sites' addresses and where this stands in for them: the value of network.mirrors in runtime.yaml.
func (m *Mirror) Mirrors() map[string]string { return MirrorsAt(m.URL) }

// MirrorsAt is the same for another address under which a mirror is reached.
func MirrorsAt(url string) map[string]string {
	mirrors := map[string]string{}
	for _, s := range sites {
		mirrors[s.address] = url + "/" + s.folder
	}
	return mirrors
}

// SHA256 is the hex digest of the file that stands for the one at a real address ("https://github.com/..."). If there is none
// it is a text that says so, which no digest equals.
func (m *Mirror) SHA256(address string) string {
	for _, s := range sites {
		path, ok := strings.CutPrefix(address, s.address+"/")
		if !ok {
			continue
		}
		f, err := s.find(m, "/"+path)
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

// Requests are the calls so far, in the order of their answers.
func (m *Mirror) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.requests)
}

// Faults are the calls that the real sites would not have got from a right build, each with what is wrong with it.
func (m *Mirror) Faults() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.faults)
}

// Fault sets what may answer in the mirror's place, by its path in the mirror ("/github/..."); it reports whether it has. Nil
// ends it.
func (m *Mirror) Fault(f func(w http.ResponseWriter, r *http.Request) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = f
}

// ServeHTTP answers as the sites would, and takes notes.
func (m *Mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	note := Request{Method: r.Method, Path: r.URL.Path, Range: r.Header.Get("Range"), UserAgent: r.UserAgent()}
	answer := &answerWriter{ResponseWriter: w}
	defer func() {
		note.Status = answer.status
		m.mu.Lock()
		m.requests = append(m.requests, note)
		m.mu.Unlock()
	}()
	m.mu.Lock()
	fault := m.fault
	m.mu.Unlock()
	folder, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	at := slices.IndexFunc(sites, func(s site) bool { return s.folder == folder })
	if at >= 0 {
		note.Site, note.Path = sites[at].address, "/"+path
	}
	if fault != nil && fault(answer, r) {
		return
	}
	switch {
	case at < 0:
		m.refuse(answer, r, "no site has this folder")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		m.refuse(answer, r, "only GET and HEAD are answered")
	case r.URL.RawQuery != "":
		m.refuse(answer, r, "the real site is asked with no query")
	default:
		f, err := sites[at].find(m, "/"+path)
		if err != nil {
			m.refuse(answer, r, sites[at].address+"/"+path+": "+err.Error())
			return
		}
		f.serve(answer, r)
	}
}

// refuse answers with 404 and takes the call down as a fault.
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

// answerWriter remembers the status of an answer.
type answerWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *answerWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// once gives what build makes for a name, and makes it only once.
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

// fileBelow gives a file of a directory; path begins with "/".
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
