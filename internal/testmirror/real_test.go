package testmirror

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestServe(t *testing.T) {
	m := start(t)
	const address = "https://cdn.playwright.dev/builds/chromium/1187/chromium-linux.zip"
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("real"), 0o644); err != nil {
		t.Fatal(err)
	}
	m.Serve(address, file)
	if _, data := get(t, m, address); string(data) != "real" || m.SHA256(address) != digest(data) {
		t.Errorf("%q, digest %s", data, m.SHA256(address))
	}
	if faults := m.Faults(); len(faults) > 0 {
		t.Error("faults:", faults)
	}
}

// zipped lists the files of a zip archive with their modes and contents.
func zipped(t *testing.T, data []byte) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, f := range archive.File {
		content, err := readZipped(f)
		if err != nil {
			t.Fatal(err)
		}
		all += fmt.Sprintf("%s %o %s\n", f.Name, f.Mode(), content)
	}
	return all
}

func TestPackBrowser(t *testing.T) {
	var beside bytes.Buffer
	libraries := tar.NewWriter(&beside)
	for _, h := range []*tar.Header{{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "./libEGL.so", Typeflag: tar.TypeReg, Mode: 0o644}} {
		if err := libraries.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := libraries.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := PackBrowser("chrome-linux/chrome", []byte("ELF"), &beside)
	if want := "chrome-linux/chrome 755 ELF\nchrome-linux/libEGL.so 644 \n"; err != nil || zipped(t, data) != want {
		t.Errorf("%v, %q", err, zipped(t, data))
	}
	if data, err = PackBrowser("ffmpeg-linux", []byte("#!"), nil); err != nil || zipped(t, data) != "ffmpeg-linux 755 #!\n" {
		t.Errorf("%v, %q", err, zipped(t, data))
	}
}

func TestPackUV(t *testing.T) {
	names := []string{"uv-1.data/scripts/uv", "uv-1.data/scripts/uvx", "uv-1.dist-info/METADATA"}
	files := map[string]condaFile{}
	for _, name := range names {
		files[name] = condaFile{content: []byte(name), mode: 0o644}
	}
	wheel, err := zipFiles(names, files)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := PackUV(wheel, "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	const top = "uv-x86_64-unknown-linux-gnu/"
	if got := entries(t, packed); got[top+"uv"] != 0o755 || got[top+"uvx"] != 0o755 {
		t.Errorf("the archive has %v", got)
	}
	if wheel, err = zipFiles(names[:1], files); err == nil {
		_, err = PackUV(wheel, "x86_64")
	}
	if err == nil {
		t.Error("no error for a wheel without uvx")
	}
}
