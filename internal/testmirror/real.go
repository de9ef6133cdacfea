package testmirror

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// Serve serves a file of this machine at a real address ("https://github.com/..."), in place of the stand-in.
func (m *Mirror) Serve(address, file string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.real[address] = file
}

// find returns the file at a path of a site: what [Mirror.Serve] put there, or the stand-in.
func (m *Mirror) find(s site, path string) (file, error) {
	m.mu.Lock()
	real, ok := m.real[s.address+path]
	m.mu.Unlock()
	if ok {
		return file{path: real}, nil
	}
	return s.find(m, path)
}

// PackUV packs the programs of uv's wheel as uv's releases have them, for a machine ("x86_64").
func PackUV(wheel []byte, machine string) ([]byte, error) {
	archive, err := zip.NewReader(bytes.NewReader(wheel), int64(len(wheel)))
	if err != nil {
		return nil, err
	}
	files := map[string]condaFile{}
	for _, f := range archive.File {
		if name := path.Base(f.Name); name == "uv" || name == "uvx" {
			content, err := readZipped(f)
			if err != nil {
				return nil, err
			}
			files["uv-"+machine+"-unknown-linux-gnu/"+name] = condaFile{content: content, mode: 0o755}
		}
	}
	if len(files) != 2 {
		return nil, fmt.Errorf("the wheel has the programs %q", slices.Sorted(maps.Keys(files)))
	}
	return tarGzip(files)
}

func readZipped(f *zip.File) ([]byte, error) {
	in, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(in)
}

// PackBrowser packs a browser as Playwright's archives have it: a program ("chrome-linux/chrome") with the files of a tar archive beside
// it. The archive may be nil.
func PackBrowser(program string, content []byte, beside io.Reader) ([]byte, error) {
	files := map[string]condaFile{program: {content: content, mode: 0o755}}
	if beside != nil {
		if err := addTar(files, path.Dir(program), beside); err != nil {
			return nil, err
		}
	}
	return zipFiles(slices.Sorted(maps.Keys(files)), files)
}

// addTar adds the regular files of a tar archive, below dir.
func addTar(files map[string]condaFile, dir string, in io.Reader) error {
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		files[path.Join(dir, strings.TrimPrefix(header.Name, "./"))] = condaFile{content: content, mode: header.FileInfo().Mode().Perm()}
	}
}
