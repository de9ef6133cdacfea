package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// archive builds the program for a system, and writes its archive and its SBOM.
func (r release) archive(system string, texts map[string][]byte) error {
	program, err := r.build(system)
	if err != nil {
		return err
	}
	goos, arch, _ := strings.Cut(system, "/")
	name := filepath.Join(r.dir, "rtbuild-client_"+r.version+"_"+goos+"_"+arch)
	if err := r.writeSBOM(name+".spdx.json", program); err != nil {
		return err
	}
	files := maps.Clone(texts)
	if files[programName(goos)], err = os.ReadFile(program); err != nil {
		return err
	}
	write, suffix := r.tar, ".tar.gz"
	if goos == "windows" {
		write, suffix = r.zip, ".zip"
	}
	out, err := os.Create(name + suffix)
	if err != nil {
		return err
	}
	if err := write(out, files); err != nil {
		_ = out.Close()
		return err
	}
	return out.Close()
}

// modeOf returns the permissions of a file in an archive: only the program is executable.
func modeOf(name string) int64 {
	if strings.HasPrefix(name, "rtbuild-client") {
		return 0o755
	}
	return 0o644
}

func (r release) tar(out io.Writer, files map[string][]byte) error {
	zipped, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: name, Mode: modeOf(name), Size: int64(len(files[name])), ModTime: r.at, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(files[name]); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

func (r release) zip(out io.Writer, files map[string][]byte) error {
	archive := zip.NewWriter(out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: r.at}
		header.SetMode(os.FileMode(modeOf(name)))
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(files[name]); err != nil {
			return err
		}
	}
	return archive.Close()
}
