package embedded

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// access is a line of the registry's access log, which shows what a build has pulled and pushed.
type access struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	In     int64  `json:"in"`  // body of the request, in bytes
	Out    int64  `json:"out"` // body of the response, in bytes
}

// logged returns a handler that writes a line of JSON to log for every request.
func logged(next http.Handler, log io.Writer) http.Handler {
	var mu sync.Mutex
	lines := json.NewEncoder(log)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, out := &countedBody{ReadCloser: r.Body}, &countedResponse{ResponseWriter: w, status: http.StatusOK}
		r.Body = in
		next.ServeHTTP(out, r)
		mu.Lock()
		defer mu.Unlock()
		_ = lines.Encode(access{r.Method, r.URL.Path, out.status, in.n, out.n}) // ignore the error: a full disk must not stop the registry
	})
}

type countedBody struct {
	io.ReadCloser
	n int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}

type countedResponse struct {
	http.ResponseWriter
	status int
	n      int64
}

func (a *countedResponse) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *countedResponse) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.n += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (a *countedResponse) Unwrap() http.ResponseWriter { return a.ResponseWriter }
