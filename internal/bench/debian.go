package main

import (
	"encoding/hex"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// debianCache is a proxy on loopback that keeps what it has once fetched, so that the network is in no run that counts. It does
// not ask again, as its files are gone with the benchmark. HTTP only, which is what Debian's mirror speaks.
type debianCache struct {
	url string // for HTTP_PROXY
	dir string

	server *http.Server
	mu     sync.Mutex
	known  map[string]*cached
}

// cached is an answer.
type cached struct {
	once   sync.Once
	file   string
	status int
	header http.Header
	err    error
}

func startDebianCache(dir string) (*debianCache, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &debianCache{url: "http://" + listener.Addr().String(), dir: dir, known: map[string]*cached{}}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	go c.server.Serve(listener) //nolint:errcheck // it ends with Close
	return c, nil
}

// Close ends the proxy.
func (c *debianCache) Close() error { return c.server.Close() }

// ServeHTTP answers from what is there, else fetches it first.
func (c *debianCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Scheme != "http" {
		http.Error(w, "only GET of http:// is proxied", http.StatusMethodNotAllowed)
		return
	}
	address := r.URL.String()
	c.mu.Lock()
	answer := c.known[address]
	if answer == nil {
		answer = &cached{file: filepath.Join(c.dir, fileName(address))}
		c.known[address] = answer
	}
	c.mu.Unlock()
	answer.once.Do(func() { answer.err = answer.fetch(address) })
	if answer.err != nil {
		http.Error(w, answer.err.Error(), http.StatusBadGateway)
		return
	}
	answer.serve(w, r)
}

func fileName(address string) string {
	sum := fnv.New128a()
	_, _ = sum.Write([]byte(address))
	return hex.EncodeToString(sum.Sum(nil))
}

func (a *cached) fetch(address string) error {
	resp, err := http.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	file, err := os.Create(a.file)
	if err != nil {
		return err
	}
	a.status, a.header = resp.StatusCode, resp.Header
	if _, err := io.Copy(file, resp.Body); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func (a *cached) serve(w http.ResponseWriter, r *http.Request) {
	file, err := os.Open(a.file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	for _, name := range []string{"Content-Type", "Etag"} {
		if value := a.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	if a.status != http.StatusOK {
		w.WriteHeader(a.status)
		io.Copy(w, file) //nolint:errcheck // who asked has gone
		return
	}
	changed, _ := http.ParseTime(a.header.Get("Last-Modified"))
	http.ServeContent(w, r, "", changed, file)
}
