package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	example = release{version: "1.2.3", at: time.Unix(1700000000, 0).UTC()}
	files   = map[string][]byte{"rtbuild-client": []byte("program"), "LICENSE": []byte("text"), "man/man1/x.1": []byte("page")}
)

// TestArchives: archives of the same files are equal, and only the program is executable.
func TestArchives(t *testing.T) {
	var tars, zips [2]bytes.Buffer
	for i := range tars {
		if err := example.tar(&tars[i], files); err != nil {
			t.Fatal(err)
		}
		if err := example.zip(&zips[i], files); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(tars[0].Bytes(), tars[1].Bytes()) || !bytes.Equal(zips[0].Bytes(), zips[1].Bytes()) {
		t.Error("the archives differ")
	}
	want := []string{"LICENSE -rw-r--r--", "man/man1/x.1 -rw-r--r--", "rtbuild-client -rwxr-xr-x"}
	if got := inTar(t, &tars[0]); !slices.Equal(got, want) {
		t.Errorf("tar: got %q", got)
	}
	archive, err := zip.NewReader(bytes.NewReader(zips[0].Bytes()), int64(zips[0].Len()))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range archive.File {
		got = append(got, f.Name+" "+f.Mode().String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("zip: got %q", got)
	}
}

func inTar(t *testing.T, archive io.Reader) (all []string) {
	t.Helper()
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	for reader := tar.NewReader(unzipped); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if !header.ModTime.Equal(example.at) || header.Uid != 0 {
			t.Errorf("%s: %v, user %d", header.Name, header.ModTime, header.Uid)
		}
		all = append(all, header.Name+" "+header.FileInfo().Mode().String())
	}
}

// TestSBOM: the SBOM names the module of a program, Go's library, and all dependencies, each with an id of its own.
func TestSBOM(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := compile(t, program); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.spdx.json")
	if err := example.writeSBOM(file, program); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, p := range d.Packages {
		if ids[p.ID] || !strings.HasPrefix(p.Refs[0].Locator, "pkg:golang/") {
			t.Errorf("%s twice, or no purl: %v", p.ID, p.Refs)
		}
		ids[p.ID] = true
	}
	if d.Packages[0].Name != "github.com/rtbuild/rtbuild" || d.Packages[0].Version != "1.2.3" || d.Packages[1].Name != "stdlib" || len(d.Packages) < 3 {
		t.Errorf("got %v", d.Packages[:2])
	}
	if len(d.Relationships) != len(d.Packages) || d.Creation.Created != "2023-11-14T22:13:20Z" {
		t.Errorf("%d relationships, made %s", len(d.Relationships), d.Creation.Created)
	}
}

// compile builds the smallest program of ours that has dependencies.
func compile(t *testing.T, file string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", file, "../pushbase")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
