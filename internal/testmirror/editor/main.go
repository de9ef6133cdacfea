// Editor is a stand-in for the Node.js in openvscode-server's archive, and for the scripts that it runs. With out/server-main.js,
// it serves a page that requires a token, like the real one. With out/server-cli.js, it prints its version. It refuses any other
// call with exit code 2.
package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	err := run(os.Args[1:])
	if errors.Is(err, errUsage) {
		fmt.Fprintf(os.Stderr, "openvscode-server (a stand-in of rtbuild's tests) called as: node %s\n%v\n", strings.Join(os.Args[1:], " "), err)
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "openvscode-server (a stand-in of rtbuild's tests):", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("the stand-in does not know this call")

// product is the archive's product.json.
type product struct{ Version, Commit string }

func run(args []string) error {
	if len(args) == 1 && args[0] == "--version" {
		fmt.Println("v20.18.2")
		return nil
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return fmt.Errorf("%w: no script", errUsage)
	}
	data, err := os.ReadFile(filepath.Join(filepath.Dir(args[0]), "..", "product.json"))
	if err != nil {
		return err
	}
	var about product
	if err := json.Unmarshal(data, &about); err != nil {
		return err
	}
	switch filepath.Base(args[0]) {
	case "server-main.js":
		return serve(args[1:], about)
	case "server-cli.js":
		if len(args) == 6 && (args[5] == "--version" || args[5] == "-v") {
			fmt.Printf("%s\n%s\nstand-in\n", args[2], args[3])
			return nil
		}
		return fmt.Errorf("%w: outside the editor's terminal, only --version is supported", errUsage)
	}
	return fmt.Errorf("%w: script %s", errUsage, args[0])
}

// settings holds the server's arguments.
type settings struct {
	values map[string]string
	plain  map[string]bool
}

// valued and plain list arguments of the real server, with and without a value.
var (
	valued = names("host port connection-token connection-token-file server-base-path default-folder default-workspace telemetry-level user-data-dir server-data-dir extensions-dir locale log socket-path")
	plain  = names("without-connection-token accept-server-license-terms disable-workspace-trust start-server enable-remote-auto-shutdown disable-telemetry version help")
)

func names(text string) map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(text) {
		m[name] = true
	}
	return m
}

func parse(args []string) (settings, error) {
	s := settings{map[string]string{"host": "localhost", "port": "8000"}, map[string]bool{}}
	for i := 0; i < len(args); i++ {
		name, value, equals := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		switch {
		case !strings.HasPrefix(args[i], "--"):
			return s, fmt.Errorf("%w: argument %q", errUsage, args[i])
		case plain[name] && !equals:
			s.plain[name] = true
		case valued[name] && equals:
			s.values[name] = value
		case valued[name] && i+1 < len(args):
			i++
			s.values[name] = args[i]
		default:
			return s, fmt.Errorf("%w: argument %q", errUsage, args[i])
		}
	}
	return s, nil
}

func serve(args []string, about product) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	if s.plain["version"] {
		fmt.Printf("%s\n%s\nstand-in\n", about.Version, about.Commit)
		return nil
	}
	token, err := s.token()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(s.values["host"], s.values["port"]))
	if err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	fmt.Printf("Server bound to %s (a stand-in of rtbuild's tests)\nExtension host agent listening on %d\n\n", listener.Addr(), port)
	query := ""
	if token != "" {
		query = "?tkn=" + token
	}
	base := "/" + strings.Trim(s.values["server-base-path"], "/")
	fmt.Printf("Web UI available at http://%s:%d%s%s\n", s.values["host"], port, base, query)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: handler{base: strings.TrimSuffix(base, "/"), token: token, about: about}}
	return server.Serve(listener)
}

// token returns the token that browsers must send, or "" if they need none.
func (s settings) token() (string, error) {
	if s.plain["without-connection-token"] {
		return "", nil
	}
	if file := s.values["connection-token-file"]; file != "" {
		data, err := os.ReadFile(file)
		return strings.TrimSpace(string(data)), err
	}
	if token := s.values["connection-token"]; token != "" {
		return token, nil
	}
	return rand.Text(), nil
}

type handler struct {
	base, token string
	about       product
}

// ServeHTTP serves a page, and the commit at /version.
func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, h.base)
	if path == "/version" {
		fmt.Fprint(w, h.about.Commit)
		return
	}
	token := r.URL.Query().Get("tkn")
	if cookie, err := r.Cookie("vscode-tkn"); err == nil && token == "" {
		token = cookie.Value
	}
	if h.token != "" && token != h.token {
		http.Error(w, "Forbidden.", http.StatusForbidden)
		return
	}
	if path != "/" && path != "" {
		http.NotFound(w, r)
		return
	}
	if h.token != "" {
		http.SetCookie(w, &http.Cookie{Name: "vscode-tkn", Value: h.token, SameSite: http.SameSiteLaxMode})
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, "<!DOCTYPE html>\n<title>OpenVSCode Server %s</title>\n<p>A stand-in of rtbuild's tests.\n", h.about.Version)
}
