package embedded

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestLogged(t *testing.T) {
	var log bytes.Buffer
	server := httptest.NewServer(logged(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, "answer")
	}), &log))
	res, err := http.Post(server.URL+"/v2/x", "text/plain", strings.NewReader("question"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	server.Close() // waits for the handler
	want := `{"method":"POST","path":"/v2/x","status":202,"in":8,"out":6}` + "\n"
	if log.String() != want {
		t.Errorf("got %q, want %q", log.String(), want)
	}
}
