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

// debianCache is a caching proxy on loopback. It keeps the network out of the measured runs. It never revalidates, because its
// files live only as long as the benchmark. It supports only HTTP, which Debian's mirror uses.
type debianCache struct {
	url string // for HTTP_PROXY
	dir string

	server *http.Server
	mu     sync.Mutex
	known  map[string]*cachedResponse
}

// cachedResponse is a cached response.
type cachedResponse struct {
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
	c := &debianCache{url: "http://" + listener.Addr().String(), dir: dir, known: map[string]*cachedResponse{}}
	c.server = &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	go c.server.Serve(listener) //nolint:errcheck // it ends with Close
	return c, nil
}

// Close stops the proxy.
func (c *debianCache) Close() error { return c.server.Close() }

// ServeHTTP serves an address from the cache, and fetches it first if necessary.
func (c *debianCache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Scheme != "http" {
		http.Error(w, "only GET of http:// is proxied", http.StatusMethodNotAllowed)
		return
	}
	address := r.URL.String()
	c.mu.Lock()
	response := c.known[address]
	if response == nil {
		response = &cachedResponse{file: filepath.Join(c.dir, fileName(address))}
		c.known[address] = response
	}
	c.mu.Unlock()
	response.once.Do(func() { response.err = response.fetch(address) })
	if response.err != nil {
		http.Error(w, response.err.Error(), http.StatusBadGateway)
		return
	}
	response.serve(w, r)
}

func fileName(address string) string {
	sum := fnv.New128a()
	_, _ = sum.Write([]byte(address))
	return hex.EncodeToString(sum.Sum(nil))
}

func (r *cachedResponse) fetch(address string) error {
	resp, err := http.Get(address)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	file, err := os.Create(r.file)
	if err != nil {
		return err
	}
	r.status, r.header = resp.StatusCode, resp.Header
	if _, err := io.Copy(file, resp.Body); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func (r *cachedResponse) serve(w http.ResponseWriter, req *http.Request) {
	file, err := os.Open(r.file)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	for _, name := range []string{"Content-Type", "Etag"} {
		if value := r.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	if r.status != http.StatusOK {
		w.WriteHeader(r.status)
		io.Copy(w, file) //nolint:errcheck // the client has gone
		return
	}
	changed, _ := http.ParseTime(r.header.Get("Last-Modified"))
	http.ServeContent(w, req, "", changed, file)
}
