package registry

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/crypto/bcrypt"
)

// pusher pushes by the registry API, without code of this package.
type pusher struct {
	client         *http.Client
	base           string // http://host/v2/repo
	user, password string
}

func (p *pusher) do(t *testing.T, method, address, mediaType string, body []byte, want int) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	if p.user != "" {
		req.SetBasicAuth(p.user, p.password)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != want {
		text, _ := io.ReadAll(resp.Body)
		t.Fatalf("%s %s: %s, want %d: %s", method, address, resp.Status, want, text)
	}
	return resp
}

func (p *pusher) blob(t *testing.T, body []byte) {
	t.Helper()
	resp := p.do(t, http.MethodPost, p.base+"/blobs/uploads/", "", nil, http.StatusAccepted)
	location, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	query := location.Query()
	query.Set("digest", digest.FromBytes(body).String())
	location.RawQuery = query.Encode()
	p.do(t, http.MethodPut, location.String(), "application/octet-stream", body, http.StatusCreated)
}

// image pushes what a fake holds under the tag "it".
func (p *pusher) image(t *testing.T, tag string) digest.Digest {
	t.Helper()
	f := &fake{serves: map[string]content{}}
	f.image(amd64, tag)
	top := f.serves["manifests/"+tag].body
	var m ocispecs.Manifest
	if err := json.Unmarshal(top, &m); err != nil {
		t.Fatal(err)
	}
	p.blob(t, f.serves["blobs/"+m.Config.Digest.String()].body)
	p.blob(t, []byte("layer"))
	p.do(t, http.MethodPut, p.base+"/manifests/"+tag, m.MediaType, top, http.StatusCreated)
	return digest.FromBytes(top)
}

func TestHandler(t *testing.T) {
	root := filepath.Join(t.TempDir(), "not", "there")
	handler, err := Handler(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	host := server.Listener.Addr().String()
	p := &pusher{client: server.Client(), base: server.URL + "/v2/" + repo}
	c, _ := newClient(t, Options{})
	ctx := context.Background()

	if _, err := c.Lookup(ctx, host+"/"+repo+":it", amd64); !errors.Is(err, ErrAbsent) {
		t.Errorf("before the push: %v", err)
	}
	if err := c.CheckPush(ctx, host+"/"+repo); err != nil {
		t.Error(err)
	}
	// distribution leaves an upload's hash state behind; sweepUploads removes it later.
	if left, _ := filepath.Glob(filepath.Join(root, "docker/registry/v2/repositories", repo, "_uploads/*/data")); len(left) != 0 {
		t.Errorf("the upload was not cancelled: %v", left)
	}
	want := p.image(t, "it")
	img, err := c.Lookup(ctx, host+"/"+repo+":it", amd64)
	if err != nil || img.Digest != want || img.Config.Config.Labels["io.rtbuild.stage"] != "source-amd64" {
		t.Errorf("after the push: %+v, %v", img, err)
	}
	if got, err := c.Resolve(ctx, host+"/"+repo+":it"); err != nil || got != want {
		t.Errorf("resolved %s, %v", got, err)
	}
	if _, err := c.Lookup(ctx, host+"/"+repo+":it", arm64); !errors.Is(err, ErrNoPlatform) {
		t.Errorf("for another platform: %v", err)
	}
	p.do(t, http.MethodDelete, p.base+"/manifests/"+want.String(), "", nil, http.StatusAccepted)
	if _, err := c.Lookup(ctx, host+"/"+repo+":it", amd64); !errors.Is(err, ErrAbsent) {
		t.Errorf("after the deletion: %v", err)
	}
}

// TestHandlerRestart: a restarted registry keeps its images and removes old uploads.
func TestHandlerRestart(t *testing.T) {
	root := t.TempDir()
	handler, err := Handler(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	p := &pusher{client: server.Client(), base: server.URL + "/v2/" + repo}
	want := p.image(t, "it")
	p.do(t, http.MethodPost, p.base+"/blobs/uploads/", "", nil, http.StatusAccepted)
	p.do(t, http.MethodPost, p.base+"/blobs/uploads/", "", nil, http.StatusAccepted)
	server.Close()
	uploads := filepath.Join(root, "docker/registry/v2/repositories", repo, "_uploads")
	entries, err := os.ReadDir(uploads)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%d uploads, %v", len(entries), err)
	}
	old := time.Now().Add(-uploadsKept - time.Minute)
	for _, name := range []string{"data", ""} {
		if err := os.Chtimes(filepath.Join(uploads, entries[0].Name(), name), old, old); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}

	if handler, err = Handler(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	server = httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, _ := newClient(t, Options{})
	if got, err := c.Resolve(context.Background(), server.Listener.Addr().String()+"/"+repo+":it"); err != nil || got != want {
		t.Errorf("resolved %s, %v", got, err)
	}
	if left, _ := os.ReadDir(uploads); len(left) != 1 || left[0].Name() != entries[1].Name() {
		t.Errorf("uploads left: %v", left)
	}
}

func TestHandlerRefuses(t *testing.T) {
	file := write(t, "", t.TempDir(), "file")
	if _, err := Handler(t.Context(), file); err == nil || !strings.Contains(err.Error(), "making the registry's directory") {
		t.Errorf("got %v", err)
	}
}

// TestRegistryProcess uses distribution's registry in another process, with TLS and basic auth.
func TestRegistryProcess(t *testing.T) {
	dir := t.TempDir()
	ca := makeCertificate(t, dir)
	hash, err := bcrypt.GenerateFromPassword([]byte("pw"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "me:"+string(hash)+"\n", dir, "htpasswd")
	host := startRegistry(t, dir)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	p := &pusher{
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}},
		base:   "https://" + host + "/v2/" + repo, user: "me", password: "pw",
	}
	want := p.image(t, "it")
	caFile := filepath.Join(dir, "tls.crt")
	tests := []struct {
		name, user, password, tag string
		opt                       Options
		err                       error
	}{
		{name: "present", user: "me", password: "pw", tag: "it", opt: Options{CAFile: caFile}},
		{name: "present, by hosts.toml", user: "me", password: "pw", tag: "it", opt: Options{ConfigDir: configDir(t, host, "ca = \""+caFile+"\"\n")}},
		{name: "absent", user: "me", password: "pw", tag: "none", opt: Options{CAFile: caFile}, err: ErrAbsent},
		{name: "wrong password", user: "me", password: "no", tag: "it", opt: Options{CAFile: caFile}, err: ErrDenied},
		{name: "anonymous", tag: "it", opt: Options{CAFile: caFile}, err: ErrDenied},
		{name: "unknown authority", user: "me", password: "pw", tag: "it", err: ErrUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			if tt.user != "" {
				logIn(t, host, tt.user, tt.password)
			}
			c, _ := newClient(t, tt.opt)
			img, err := c.Lookup(context.Background(), host+"/"+repo+":"+tt.tag, amd64)
			push := c.CheckPush(context.Background(), host+"/"+repo)
			if tt.err == nil {
				if err != nil || img.Digest != want || push != nil {
					t.Errorf("got %+v, %v; push: %v", img, err, push)
				}
				return
			}
			wantFault(t, err, tt.err)
			if (push == nil) != (tt.err == ErrAbsent) { //nolint:errorlint // the table's own value
				t.Errorf("push: %v", push)
			}
		})
	}
}

// startRegistry runs this test's binary as a registry until the test ends, and returns its address.
func startRegistry(t *testing.T, dir string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envServe+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// makeCertificate writes a self-signed tls.crt and its tls.key, and returns the certificate.
func makeCertificate(t *testing.T, dir string) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	write(t, string(public), dir, "tls.crt")
	write(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), dir, "tls.key")
	return public
}
