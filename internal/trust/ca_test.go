package trust

import (
	"bytes"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBundleIsWrittenOnce: an existing bundle stays untouched, since another client may be reading it. One with other content is
// replaced as a whole.
func TestBundleIsWrittenOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	host := filepath.Join(t.TempDir(), "host.pem")
	t.Setenv("SSL_CERT_FILE", host)
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	for file, data := range map[string][]byte{host: []byte("# the host's\n"), ca: certificate} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := Bundle(ca)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(file)
	if err != nil || before.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", before, err)
	}
	reader, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if again, err := Bundle(ca); err != nil || again != file {
		t.Errorf("got %s, %v", again, err)
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("it was written again: %v, %v", after, err)
	}
	if err := os.Truncate(file, 5); err != nil {
		t.Fatal(err)
	}
	if _, err := Bundle(ca); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(data, []byte("# the host's\n")) || !bytes.HasSuffix(data, certificate) {
		t.Errorf("it holds %q, %v", data, err)
	}
	if after, err := os.Stat(file); err != nil || os.SameFile(before, after) {
		t.Errorf("it was changed in place: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
}

func TestBundle(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	broken := filepath.Join(t.TempDir(), "broken.pem")
	if err := os.WriteFile(broken, []byte("no pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, file, want string }{
		{name: "none"},
		{name: "absent", file: broken + "-not", want: "--ca-file: stat"},
		{name: "without an end", file: "/dev/zero", want: "--ca-file: /dev/zero is a device, not a regular file"},
		{name: "not PEM", file: broken, want: "broken.pem holds no PEM certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Bundle(tt.file)
			if tt.want == "" && (err != nil || got != HostBundle()) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %s, %v; want %q", got, err, tt.want)
			}
		})
	}
}
