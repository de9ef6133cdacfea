package testenv

import (
	"archive/tar"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func startRegistry(t *testing.T, options ...RegistryOption) *Registry {
	t.Helper()
	r, err := StartRegistry(t.Context(), t.TempDir(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// program returns a program with a new file.
func program(t *testing.T, platforms ...string) Program {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := Program{
		File: map[string]string{}, Path: "/bin/x", User: "1000", Labels: map[string]string{"a": "1", "b": "2"},
		Files: map[string][]byte{"/etc/x/one": []byte("1"), "/etc/two": []byte("2")},
	}
	for _, platform := range platforms {
		p.File[platform] = file
	}
	return p
}

func TestPushProgram(t *testing.T) {
	first, second := startRegistry(t), startRegistry(t)
	dgst, err := first.PushProgram(t.Context(), "x", "1", program(t, "linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := second.PushProgram(t.Context(), "x", "1", program(t, "linux/amd64")); err != nil || again != dgst {
		t.Errorf("pushed again: %s, %v; first %s", again, err, dgst)
	}
	img, err := first.Image(t.Context(), first.Host+"/x:1")
	if err != nil {
		t.Fatal(err)
	}
	if img.Digest != dgst {
		t.Errorf("digest %s, told %s", img.Digest, dgst)
	}
	want := ocispecs.ImageConfig{
		User: "1000", Env: []string{"PATH=/bin"}, Entrypoint: []string{"/bin/x"}, WorkingDir: "/", Labels: map[string]string{"a": "1", "b": "2"},
	}
	if diff := cmp.Diff(want, img.Config.Config); diff != "" {
		t.Error("config (-want +got):", diff)
	}
	var entries []string
	if err := img.Layer(t.Context(), 0, func(h *tar.Header, _ io.Reader) error {
		entries = append(entries, h.FileInfo().Mode().String()+" "+h.Name)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"drwxr-xr-x bin/", "-rwxr-xr-x bin/x", "drwxr-xr-x etc/", "-rw-r--r-- etc/two", "drwxr-xr-x etc/x/", "-rw-r--r-- etc/x/one",
	}, entries); diff != "" {
		t.Error("entries (-want +got):", diff)
	}
}

func TestPushProgramForPlatforms(t *testing.T) {
	r := startRegistry(t)
	dgst, err := r.PushProgram(t.Context(), "x", "1", program(t, "linux/arm64", "linux/amd64"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := r.get(t.Context(), "/v2/x/manifests/"+dgst.String())
	if err != nil {
		t.Fatal(err)
	}
	var index ocispecs.Index
	if err := json.Unmarshal(data, &index); err != nil {
		t.Fatal(err)
	}
	var architectures []string
	for _, image := range index.Manifests {
		architectures = append(architectures, image.Platform.Architecture)
		img, err := r.Image(t.Context(), r.Host+"/x:1@"+image.Digest.String())
		if err != nil {
			t.Fatal(err)
		}
		if img.Config.Architecture != image.Platform.Architecture {
			t.Errorf("the index says %s, the config %s", image.Platform.Architecture, img.Config.Architecture)
		}
	}
	if diff := cmp.Diff([]string{"amd64", "arm64"}, architectures); diff != "" {
		t.Error("architectures (-want +got):", diff)
	}
}

func TestPushProgramErrors(t *testing.T) {
	r := startRegistry(t)
	relative := program(t, "linux/amd64")
	relative.Path = "bin/x"
	absent := program(t, "linux/amd64")
	absent.File["linux/amd64"] = "/nonexistent"
	for name, p := range map[string]Program{
		"no file": {Path: "/bin/x"}, "relative path": relative, "file that is not there": absent, "no platform": program(t, "linux/a/b/c"),
	} {
		if dgst, err := r.PushProgram(t.Context(), "x", "1", p); err == nil {
			t.Errorf("%s: pushed as %s", name, dgst)
		}
	}
}
