package registry

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	"github.com/sirupsen/logrus"

	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
)

// With one of these variables, the test binary runs no tests: it serves a registry, or sends a request to one.
const (
	envServe = "RTBUILD_TEST_SERVE" // directory with tls.crt, tls.key and htpasswd; the address is printed
	envAsk   = "RTBUILD_TEST_ASK"   // reference; its digest is printed
	envDir   = "RTBUILD_TEST_DIR"   // hosts.toml directory for envAsk
)

func TestMain(m *testing.M) {
	logrus.SetLevel(logrus.PanicLevel) // distribution logs every request
	switch {
	case os.Getenv(envServe) != "":
		exit(serveRegistry(os.Getenv(envServe)))
	case os.Getenv(envAsk) != "":
		exit(askRegistry(os.Getenv(envAsk), os.Getenv(envDir)))
	}
	// The tests' own servers must be reached without a proxy or foreign credentials.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "DOCKER_AUTH_CONFIG"} {
		_ = os.Unsetenv(name)
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveRegistry serves a registry with TLS and basic auth.
func serveRegistry(dir string) error {
	conf := &configuration.Configuration{
		Storage: configuration.Storage{"filesystem": {"rootdirectory": filepath.Join(dir, "data")}},
		Auth:    configuration.Auth{"htpasswd": {"realm": "test", "path": filepath.Join(dir, "htpasswd")}},
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := &http.Server{
		Handler:           handlers.NewApp(context.Background(), conf),
		ErrorLog:          log.New(io.Discard, "", 0),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ReadHeaderTimeout: time.Minute,
	}
	return server.ServeTLS(listener, "", "")
}

func askRegistry(ref, dir string) error {
	c, err := New(Options{ConfigDir: dir})
	if err != nil {
		return err
	}
	img, err := c.Lookup(context.Background(), ref, amd64)
	if err == nil {
		fmt.Println(img.Digest)
	}
	return err
}
