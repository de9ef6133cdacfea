package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// answers returns a handler that sends a status and headers, without a body.
func answers(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		return true
	}
}

// cutOff promises more than it sends.
func cutOff(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"schemaVersion":2,`))
	return true
}

// hangUp closes the connection without a response.
func hangUp(w http.ResponseWriter, _ *http.Request) bool {
	panic(http.ErrAbortHandler)
}

var faultTests = []struct {
	name     string
	before   func(w http.ResponseWriter, r *http.Request) bool
	make     func(f *fake)
	err      error
	status   int
	text     string // in the first line
	requests int
}{
	{name: "404 without a body", before: answers(404), err: ErrAbsent, status: 404, text: "404 Not Found", requests: 1},
	{name: "unknown repository", err: ErrAbsent, status: 404, requests: 1, text: "no such repository",
		before: func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, 404, "NAME_UNKNOWN", "no such\nrepository")
			return true
		}},
	{name: "403", err: ErrDenied, status: 403, requests: 1, text: "403 Forbidden: not yours; no credentials found: check the name, or run: docker login 127.0.0.1:",
		before: func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, 403, "DENIED", "not yours")
			return true
		}},
	{name: "401 without a challenge", before: answers(401), err: ErrDenied, status: 401, text: "docker login", requests: 1},
	{name: "401 with an unknown scheme", before: answers(401, "WWW-Authenticate", "Negotiate"), err: ErrDenied, status: 401, requests: 1},
	{name: "429 for ever", before: answers(429), err: ErrThrottled, status: 429, text: "docker login", requests: 4},
	{name: "429 for long", before: answers(429, "Retry-After", "3600"), err: ErrThrottled, status: 429, text: "try again in 1h0m0s", requests: 1},
	{name: "429 by its code only", err: ErrThrottled, status: 403, requests: 4,
		before: func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, 403, "TOOMANYREQUESTS", "slow down")
			return true
		}},
	{name: "500 for ever", before: answers(500), err: ErrUnreachable, status: 500, text: "try again later", requests: 4},
	{name: "503 for ever", before: answers(503), err: ErrUnreachable, status: 503, requests: 4},
	{name: "501", before: answers(501), err: ErrUnreachable, status: 501, requests: 1},
	{name: "407", before: answers(407), err: ErrUnreachable, status: 407, text: "HTTPS_PROXY", requests: 1},
	{name: "400", before: answers(400), err: ErrBroken, status: 400, requests: 1},
	{name: "no end of redirects", err: ErrUnreachable, text: "stopped after 10 redirects", requests: 10,
		before: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
			return true
		}},
	{name: "cut off", before: cutOff, err: ErrBroken, text: "cut off after 19 bytes", requests: 4},
	{name: "a page with 200", make: func(f *fake) {
		f.put("manifests", "text/html; charset=utf-8", []byte("<html>log in</html>"), "it")
	}, err: ErrBroken, text: "not a manifest but text/html", requests: 1},
	{name: "broken JSON", make: func(f *fake) {
		f.put("manifests", ocispecs.MediaTypeImageManifest, []byte(`{"schemaVersion":2,"config":`), "it")
	}, err: ErrBroken, text: "unexpected end of JSON input", requests: 1},
	{name: "JSON, but no manifest", make: func(f *fake) { f.put("manifests", "application/json", []byte(`{"a":1}`), "it") },
		err: ErrBroken, text: "neither a manifest nor an index", requests: 1},
	{name: "an unknown type", make: func(f *fake) {
		f.put("manifests", "application/vnd.example+json", []byte(`{"mediaType":"application/vnd.example+json","config":{},"layers":[]}`), "it")
	}, err: ErrBroken, text: "application/vnd.example+json", requests: 1},
	{name: "a type that does not fit", make: func(f *fake) {
		f.put("manifests", ocispecs.MediaTypeImageIndex, ocispecs.Manifest{MediaType: ocispecs.MediaTypeImageIndex}, "it")
	}, err: ErrBroken, text: "neither a manifest nor an index", requests: 1},
	{name: "index and image at once", make: func(f *fake) {
		f.put("manifests", "application/json", []byte(`{"manifests":[],"config":{},"layers":[]}`), "it")
	}, err: ErrBroken, text: "at once", requests: 1},
	{name: "schema 1", make: func(f *fake) {
		f.put("manifests", "application/vnd.docker.distribution.manifest.v1+prettyjws", []byte(`{"schemaVersion":1,"fsLayers":[]}`), "it")
	}, err: ErrBroken, text: "schema 1", requests: 1},
	{name: "no config named", make: func(f *fake) {
		f.put("manifests", ocispecs.MediaTypeImageManifest, []byte(`{"mediaType":"`+ocispecs.MediaTypeImageManifest+`","config":{},"layers":[]}`), "it")
	}, err: ErrBroken, text: "names no config", requests: 1},
	{name: "an artifact", make: func(f *fake) {
		m := f.manifestOf(amd64)
		m.Config.MediaType = ocispecs.MediaTypeEmptyJSON
		f.put("manifests", ocispecs.MediaTypeImageManifest, m, "it")
	}, err: ErrBroken, text: "not a container image", requests: 1},
	{name: "longer than a manifest may be", make: func(f *fake) {
		f.put("manifests", ocispecs.MediaTypeImageManifest, bytes.Repeat([]byte(" "), maxManifest+1), "it")
	}, err: ErrBroken, text: "longer than 4194304 bytes", requests: 1},
	{name: "another digest than the header's", err: ErrBroken, text: "the content's digest is", requests: 1,
		make: func(f *fake) { f.image(amd64, "it") },
		before: func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Docker-Content-Digest", digest.FromString("other").String())
			_, _ = w.Write([]byte(`{"schemaVersion":2,"config":{},"layers":[]}`))
			return true
		}},
	{name: "another config than the manifest's", make: func(f *fake) {
		f.image(amd64, "it")
		name := "blobs/" + f.config(amd64).Digest.String()
		f.serves[name] = content{"application/octet-stream", []byte(`{}`)}
	}, err: ErrBroken, text: "the content's digest is", requests: 2},
	{name: "a config that is none", make: func(f *fake) {
		m := f.manifestOf(amd64)
		m.Config = f.put("blobs", ocispecs.MediaTypeImageConfig, []byte("no"))
		f.put("manifests", ocispecs.MediaTypeImageManifest, m, "it")
	}, err: ErrBroken, text: "reading the config", requests: 2},
	{name: "the config is missing", make: func(f *fake) {
		f.image(amd64, "it")
		delete(f.serves, "blobs/"+f.config(amd64).Digest.String())
	}, err: ErrBroken, status: 404, text: "which the registry does not have; push the image again", requests: 2},
	{name: "the platform's manifest is missing", make: func(f *fake) {
		d := f.image(amd64)
		f.index("it", d)
		delete(f.serves, "manifests/"+d.Digest.String())
	}, err: ErrBroken, status: 404, text: "which the registry does not have", requests: 2},
	{name: "an index in an index", make: func(f *fake) {
		d := f.index("inner", f.image(amd64))
		d.MediaType, d.Platform = ocispecs.MediaTypeImageManifest, &amd64
		f.index("it", d)
	}, err: ErrBroken, text: "another index", requests: 2},
}

func TestFaults(t *testing.T) {
	for _, tt := range faultTests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.before = tt.before
			f.Start()
			if tt.make != nil {
				tt.make(f)
			}
			c, _ := newClient(t, Options{})
			img, err := c.Lookup(context.Background(), f.ref("it"), amd64)
			wantFault(t, err, tt.err)
			if img != nil {
				t.Errorf("image %+v and an error", img)
			}
			var fault *Error
			if errors.As(err, &fault) && (fault.Status != tt.status || fault.Registry != f.host() || fault.Repository != repo || fault.Reference != "it") {
				t.Errorf("fields %+v, want status %d", *fault, tt.status)
			}
			wantFirstLine(t, err, "looking up "+f.ref("it")+": "+tt.err.Error(), tt.text)
			if got := len(f.asked()); got != tt.requests {
				t.Errorf("%d requests, want %d: %v", got, tt.requests, f.asked())
			}
		})
	}
}

// wantFault checks that an error is an *Error of exactly one kind.
func wantFault(t *testing.T, err, want error) {
	t.Helper()
	var fault *Error
	if !errors.As(err, &fault) {
		t.Fatalf("%v is no *Error", err)
	}
	for _, kind := range []error{ErrAbsent, ErrNoPlatform, ErrDenied, ErrThrottled, ErrUnreachable, ErrBroken} {
		if errors.Is(err, kind) != (kind == want) { //nolint:errorlint // which sentinel it is
			t.Errorf("%v: is %q: %t", err, kind, errors.Is(err, kind))
		}
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v looks like the context's end", err)
	}
}

// TestRetries has faults that end before the last attempt.
func TestRetries(t *testing.T) {
	tests := []struct {
		name   string
		faults []func(http.ResponseWriter, *http.Request) bool
		least  []time.Duration // of the delays between attempts
	}{
		{name: "500, then fine", faults: []func(http.ResponseWriter, *http.Request) bool{answers(500)}, least: []time.Duration{0}},
		{name: "502, 503, 504, then fine", least: []time.Duration{0, 0, 0},
			faults: []func(http.ResponseWriter, *http.Request) bool{answers(502), answers(503), answers(504)}},
		{name: "429 with seconds", least: []time.Duration{7 * time.Second},
			faults: []func(http.ResponseWriter, *http.Request) bool{answers(429, "Retry-After", "7")}},
		{name: "429 with a date", least: []time.Duration{7 * time.Second},
			faults: []func(http.ResponseWriter, *http.Request) bool{answers(429, "Retry-After", time.Now().Add(9*time.Second).UTC().Format(http.TimeFormat))}},
		{name: "503 with seconds", least: []time.Duration{2 * time.Second},
			faults: []func(http.ResponseWriter, *http.Request) bool{answers(503, "Retry-After", "2")}},
		{name: "cut off", faults: []func(http.ResponseWriter, *http.Request) bool{cutOff}, least: []time.Duration{0}},
		{name: "hung up", faults: []func(http.ResponseWriter, *http.Request) bool{hangUp}, least: []time.Duration{0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			count := 0
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				count++
				return count <= len(tt.faults) && tt.faults[count-1](w, r)
			}
			f.Start()
			f.image(amd64, "it")
			c, w := newClient(t, Options{})
			img, err := c.Lookup(context.Background(), f.ref("it"), amd64)
			if err != nil || img == nil {
				t.Fatal(err)
			}
			if len(w.all) != len(tt.least) {
				t.Fatalf("waited %v", w.all)
			}
			for i, least := range tt.least {
				if w.all[i] < least || w.all[i] > least+5*time.Second || w.all[i] == 0 {
					t.Errorf("wait %d: %v, want about %v", i, w.all[i], least)
				}
			}
		})
	}
}

func TestBackoffGrowsAndVaries(t *testing.T) {
	f := newFake(t)
	f.before = answers(500)
	f.Start()
	c, w := newClient(t, Options{})
	for range 5 {
		_, _ = c.Lookup(context.Background(), f.ref("it"), amd64)
	}
	if len(w.all) != 5*(maxAttempts-1) {
		t.Fatalf("waited %v", w.all)
	}
	for i, wait := range w.all {
		base := defaultRetryBase << (i % (maxAttempts - 1))
		if wait < base/2 || wait > base*3/2+1 {
			t.Errorf("wait %d is %v, want %v or half of it more or less", i, wait, base)
		}
	}
	if slices.Compact(slices.Sorted(slices.Values(w.all)))[0] == w.all[0] && w.all[0] == w.all[3] {
		t.Error("no jitter")
	}
}

func TestBlobRedirect(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		t.Run(fmt.Sprintf("to another host: %t", elsewhere), func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			f, storage := newFake(t), newFake(t)
			var leaked string
			storage.before = func(w http.ResponseWriter, r *http.Request) bool {
				leaked = r.Header.Get("Authorization")
				_, _ = w.Write(f.serves["blobs/"+f.config(amd64).Digest.String()].body)
				return true
			}
			storage.Start()
			f.before = func(w http.ResponseWriter, r *http.Request) bool {
				if user, _, ok := r.BasicAuth(); !ok || user != "me" {
					w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return true
				}
				if strings.Contains(r.URL.Path, "/blobs/") && r.URL.Query().Get("moved") == "" {
					target := r.URL.Path + "?moved=1&signature=s3cret"
					if elsewhere {
						target = storage.URL + "/there?signature=s3cret"
					}
					http.Redirect(w, r, target, http.StatusTemporaryRedirect)
					return true
				}
				return false
			}
			f.Start()
			logIn(t, f.host(), "me", "pw")
			f.image(amd64, "it")
			c, _ := newClient(t, Options{})
			if _, err := c.Lookup(context.Background(), f.ref("it"), amd64); err != nil {
				t.Fatal(err)
			}
			if leaked != "" {
				t.Errorf("the other host received %q", leaked)
			}
			storage.Close()
			_, err := c.Lookup(context.Background(), f.ref("it"), amd64)
			if elsewhere {
				wantFault(t, err, ErrUnreachable)
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error holds a signature: %v", err)
				}
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	err := &Error{
		Doing: "looking up", Registry: "docker.io", Repository: "library/debian", Reference: "bookworm",
		Status: 429, Message: "slow\x1b[31m down", Err: ErrThrottled, Cause: errors.New("line one\nline two"), Advice: "wait",
		tried: []string{"mirror m: not found: 404 Not Found"},
	}
	want := "looking up docker.io/library/debian:bookworm: too many requests: 429 Too Many Requests: slow [31m down: line one line two; wait\n" +
		"mirror m: not found: 404 Not Found"
	if got := err.Error(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if (&Error{Registry: "r", Repository: "p", Reference: "sha256:12"}).subject() != "r/p@sha256:12" || (&Error{Registry: "r", Repository: "p"}).subject() != "r/p" {
		t.Error("subjects")
	}
}

func TestRegistryMessage(t *testing.T) {
	tests := []struct{ name, body, message, code string }{
		{"one error", `{"errors":[{"code":"DENIED","message":"no"}]}`, "no", "DENIED"},
		{"the first of two", `{"errors":[{"code":"A","message":"a"},{"code":"B","message":"b"}]}`, "a", "A"},
		{"a token server's", `{"details":"incorrect username or password"}`, "incorrect username or password", ""},
		{"HTML", "<html>", "", ""},
		{"nothing", "", "", ""},
		{"too long", `{"message":"` + strings.Repeat("ä", 200) + `"}`, strings.Repeat("ä", 150) + "...", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if message, code := registryMessage([]byte(tt.body)); message != tt.message || code != tt.code {
				t.Errorf("got %q, %q", message, code)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		value string
		want  time.Duration
	}{
		{"", 0}, {"5", 5 * time.Second}, {"-5", 0}, {"soon", 0}, {"99999999999999", 24 * time.Hour},
		{"Fri, 02 Jan 2026 03:04:15 GMT", 10 * time.Second}, {"Fri, 02 Jan 2026 03:00:00 GMT", 0},
	}
	for _, tt := range tests {
		if got := retryAfter(http.Header{"Retry-After": {tt.value}}, now); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.value, got, tt.want)
		}
	}
}
