package trust

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http/httpproxy"
)

const content = "a tool\n"

// server serves one file and counts the requests.
type server struct {
	*httptest.Server
	answer   http.HandlerFunc // serves something else than the file; may be nil
	requests atomic.Int64
}

func newServer(t *testing.T, answer http.HandlerFunc) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if s.answer != nil {
			s.answer(w, r)
			return
		}
		_, _ = io.WriteString(w, content)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func started(t *testing.T, answer http.HandlerFunc) *server {
	s := newServer(t, answer)
	s.Start()
	return s
}

// openIn returns the Downloads that another process would have for a directory, and its warnings.
func openIn(t *testing.T, dir string, o DownloadOptions) (*Downloads, *[]string) {
	t.Helper()
	var warnings []string
	o.Warn = func(s string) { warnings = append(warnings, s) }
	d, err := OpenDownloads(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.client.CloseIdleConnections)
	return d, &warnings
}

// TestCachedFileIsVerified: if a cached file has changed, Fetch downloads it again.
func TestCachedFileIsVerified(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other")
	for _, tt := range []struct {
		name   string
		damage func(file string) error
	}{
		{"intact", nil},
		{"another content of that size", func(file string) error { return os.WriteFile(file, []byte("EVIL!!\n"), 0o600) }},
		{"empty", func(file string) error { return os.Truncate(file, 0) }},
		{"longer", func(file string) error { return os.WriteFile(file, []byte(content+content), 0o600) }},
		{"gone", os.Remove},
		{"a link to the right content", func(file string) error { return errors.Join(os.Rename(file, other), os.Symlink(other, file)) }},
		{"a directory", func(file string) error {
			return errors.Join(os.Remove(file), os.MkdirAll(filepath.Join(file, "x"), 0o700))
		}},
	} {
		for kind, sha256 := range map[string]string{"pinned": sum([]byte(content)), "not pinned": ""} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				s := started(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("ETag", `"1"`)
					http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
				})
				dir := t.TempDir()
				file := File{Name: "mytool", URL: s.URL + "/mytool", SHA256: sha256}
				want := Fetched{Path: sum([]byte(content)) + "/mytool", Size: int64(len(content)), SHA256: sum([]byte(content))}
				for use := range 3 {
					d, warnings := openIn(t, dir, DownloadOptions{})
					if use == 1 && tt.damage != nil {
						if err := tt.damage(filepath.Join(dir, want.Path)); err != nil {
							t.Fatal(err)
						}
					}
					got, err := d.Fetch(t.Context(), file)
					if err != nil || got != want || len(d.Fetched()) != 1 || d.Fetched()[0] != want {
						t.Fatalf("got %+v, %v; %+v", got, err, d.Fetched())
					}
					if _, held, err := hashOf(filepath.Join(dir, got.Path)); held != want.SHA256 {
						t.Errorf("use %d: the file holds %s, %v", use, held, err)
					}
					warns := use == 1 && tt.damage != nil && tt.name != "gone"
					if warns != (len(*warnings) == 1) || warns && !strings.Contains((*warnings)[0], "which has changed since it was downloaded") {
						t.Errorf("use %d: warnings %q", use, *warnings)
					}
				}
				requests := s.requests.Load()
				if damaged := tt.damage != nil; kind == "pinned" && (requests == 2) != damaged || kind != "pinned" && requests != 3 {
					t.Errorf("%d requests", requests)
				}
			})
		}
	}
}

// TestUnpinnedFileIsTheServers: a file without a checksum is always the one that the server has now.
func TestUnpinnedFileIsTheServers(t *testing.T) {
	for _, tt := range []struct {
		name string
		etag func(content string) string
	}{
		{"a server with ETags", func(content string) string { return strconv.Quote(content[:1]) }},
		{"a server without ETags", func(string) string { return "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := "1, evil"
			s := started(t, func(w http.ResponseWriter, r *http.Request) {
				if etag := tt.etag(now); etag != "" {
					w.Header().Set("ETag", etag)
				}
				http.ServeContent(w, r, "", time.Time{}, strings.NewReader(now))
			})
			dir := t.TempDir()
			for _, now = range []string{"1, evil", "1, evil", "2, good", "2, good"} {
				d, warnings := openIn(t, dir, DownloadOptions{})
				got, err := d.Fetch(t.Context(), File{Name: "editor", URL: s.URL})
				if err != nil || got.SHA256 != sum([]byte(now)) || len(*warnings) != 0 {
					t.Errorf("got %+v, %v, %q; want %q", got, err, *warnings, now)
				}
			}
			s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
			d, _ := openIn(t, dir, DownloadOptions{})
			if _, err := d.Fetch(t.Context(), File{Name: "editor", URL: s.URL}); err == nil || err.Error() != "the server answered 503 Service Unavailable" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestDownloadFaults: a failed download leaves no file, and its error says why without showing a token.
func TestDownloadFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		file   File
		want   string
	}{
		{name: "another content", answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
			want: "its sha256 is " + sum([]byte("<html>")) + ", expected " + sum([]byte(content))},
		{name: "absent", answer: http.NotFound, want: "the server answered 404 Not Found"},
		{name: "not modified, unasked", answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, want: "304"},
		{name: "too large, and says so", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000000000000")
			_, _ = io.WriteString(w, "x")
		}, want: "it is larger than 64 bytes"},
		{name: "too large, and does not say so", answer: func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("x", 32)); err != nil {
					return
				}
				w.(http.Flusher).Flush()
			}
		}, want: "it is larger than 64 bytes"},
		{name: "cut off", answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "60")
			_, _ = io.WriteString(w, "x")
		}, want: "unexpected EOF"},
		{name: "stalled", answer: func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, want: "the server sent nothing for 300ms"},
		{name: "a redirect that leads nowhere", answer: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/?token=HUNTER2", http.StatusFound)
		}, want: "connection refused"},
		{name: "no address", file: File{Name: "a", URL: "http://h h/?token=HUNTER2", SHA256: sum([]byte(content))}, want: "invalid character"},
		{name: "no file name", file: File{Name: "../a"}, want: `"../a" is not a file name`},
		{name: "no checksum", file: File{Name: "a", SHA256: "../x"}, want: `"../x" is not a sha256`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := started(t, tt.answer)
			dir := t.TempDir()
			d, _ := openIn(t, dir, DownloadOptions{})
			d.limit, d.stall = 64, 300*time.Millisecond
			file := tt.file
			if file.Name == "" {
				file = File{Name: "mytool", URL: s.URL + "/?token=HUNTER2", SHA256: sum([]byte(content))}
			}
			_, err := d.Fetch(t.Context(), file)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "HUNTER2") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 || len(d.Fetched()) != 0 {
				t.Errorf("left are %v, %v", left, d.Fetched())
			}
		})
	}
}

// TestSlowDownload: a download may take longer than stallTime, as long as data keeps coming.
func TestSlowDownload(t *testing.T) {
	s := started(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 8 {
			time.Sleep(50 * time.Millisecond) // the server is slow: that is what is tested
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		}
	})
	d, _ := openIn(t, t.TempDir(), DownloadOptions{})
	d.stall = 250 * time.Millisecond
	if got, err := d.Fetch(t.Context(), File{Name: "a", URL: s.URL}); err != nil || got.Size != 8 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// TestDownloadThatNeverEnds: a server that keeps sending single bytes does not block a command for ever.
func TestDownloadThatNeverEnds(t *testing.T) {
	s := started(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond) // the server is slow: that is what is tested
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		}
	})
	dir := t.TempDir()
	d, _ := openIn(t, dir, DownloadOptions{})
	if d.total != 2*time.Hour {
		t.Errorf("a download may take %s", d.total)
	}
	d.total = 300 * time.Millisecond
	if _, err := d.Fetch(t.Context(), File{Name: "a", URL: s.URL}); err == nil || err.Error() != "it was not complete after 300ms" {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// TestNoRedirectToPlainHTTP: Fetch follows no redirect from https to http, with a checksum or without.
func TestNoRedirectToPlainHTTP(t *testing.T) {
	plain := started(t, nil)
	host := strings.TrimPrefix(plain.URL, "http://")
	secure := newServer(t, nil)
	secure.StartTLS()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		to   func(r *http.Request) string
		want string
	}{
		{"to http", func(*http.Request) string { return plain.URL + "/a?token=HUNTER2" }, "the server redirects from https to http://" + host + "/a, which anybody on the network can change"},
		{"to http, with a password", func(*http.Request) string { return "http://me:HUNTER2@" + host + "/a" },
			"the server redirects from https to http://" + host + "/a, which anybody on the network can change"},
		{"to https", func(*http.Request) string { return "/there" }, ""},
		{"in a circle", func(r *http.Request) string { return r.URL.Path + "x?token=HUNTER2" }, "the server redirects more than 10 times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plain.requests.Store(0)
			secure.answer = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/there" {
					_, _ = io.WriteString(w, content)
					return
				}
				http.Redirect(w, r, tt.to(r), http.StatusFound)
			}
			d, _ := openIn(t, t.TempDir(), DownloadOptions{CAFile: ca})
			_, err := d.Fetch(t.Context(), File{Name: "a", URL: secure.URL + "/from"})
			if got := fmt.Sprint(err); (tt.want == "" && err != nil) || (tt.want != "" && got != tt.want) {
				t.Errorf("got %s, want %q", got, tt.want)
			}
			if plain.requests.Load() != 0 {
				t.Error("http was asked")
			}
		})
	}
	http := started(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) })
	d, _ := openIn(t, t.TempDir(), DownloadOptions{})
	if _, err := d.Fetch(t.Context(), File{Name: "a", URL: http.URL}); err != nil {
		t.Errorf("from http to http: %v", err)
	}
}

func TestDownloadEndsWithTheCommand(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("canceled")
	s := started(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "x")
		w.(http.Flusher).Flush()
		cancel(interrupted)
		<-r.Context().Done()
	})
	d, _ := openIn(t, t.TempDir(), DownloadOptions{})
	if _, err := d.Fetch(ctx, File{Name: "a", URL: s.URL}); !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
}

// TestConcurrentDownloads: concurrent calls for one file make one request.
func TestConcurrentDownloads(t *testing.T) {
	release := make(chan struct{})
	s := started(t, func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = io.WriteString(w, content)
	})
	d, _ := openIn(t, t.TempDir(), DownloadOptions{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := d.Fetch(t.Context(), File{Name: "a", URL: s.URL, SHA256: sum([]byte(content))}); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	all.Wait()
	if s.requests.Load() != 1 {
		t.Errorf("%d requests", s.requests.Load())
	}
}

// TestDownloadBehindProxyAndPrivateCA has a server with a certificate of a private authority, which only the proxy reaches. It
// downloads with and without a checksum: the openhands profile's editor has none.
func TestDownloadBehindProxyAndPrivateCA(t *testing.T) {
	s := newServer(t, nil)
	s.StartTLS()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Host)
		there, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		here, sent, err := http.NewResponseController(w).Hijack()
		if err != nil {
			there.Close()
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(there, sent); there.Close() }()
		go func() { _, _ = io.Copy(here, there); here.Close() }()
	}))
	t.Cleanup(proxy.Close)
	through := httpproxy.Config{HTTPSProxy: proxy.URL}
	for _, tt := range []struct {
		name, sha256 string
		options      DownloadOptions
		want         string
	}{
		{name: "pinned", sha256: sum([]byte(content)), options: DownloadOptions{CAFile: ca, Proxy: through}},
		{name: "not pinned", options: DownloadOptions{CAFile: ca, Proxy: through}},
		{name: "without the authority", options: DownloadOptions{Proxy: through}, want: "x509: certificate signed by unknown authority"},
		{name: "without the proxy", options: DownloadOptions{CAFile: ca}, want: "example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked = nil
			d, _ := openIn(t, t.TempDir(), tt.options)
			// httptest's certificate is for example.com.
			got, err := d.Fetch(t.Context(), File{Name: "editor", URL: "https://example.com/editor", SHA256: tt.sha256})
			switch {
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %+v, %v; want %q", got, err, tt.want)
			case tt.want == "" && (err != nil || got.SHA256 != sum([]byte(content)) || fmt.Sprint(asked) != "[CONNECT example.com:443]"):
				t.Errorf("got %+v, %v; the proxy was asked %v", got, err, asked)
			}
		})
	}
}
