package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// unpack unpacks a .conda archive into prefix, and returns the names of its files.
func unpack(data []byte, r record, prefix string) ([]string, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(r.File, ".conda")
	placeholders, err := readPlaceholders(archive, "info-"+name+".tar.zst")
	if err != nil {
		return nil, err
	}
	var files []string
	err = eachFile(archive, "pkg-"+name+".tar.zst", func(header *tar.Header, content io.Reader) error {
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("%q leads out of the environment", header.Name)
		}
		files = append(files, header.Name)
		return writeEntry(filepath.Join(prefix, header.Name), header, content, placeholders[header.Name], prefix)
	})
	return files, err
}

// writeEntry writes a file or link, and replaces the placeholder by the environment's path.
func writeEntry(file string, header *tar.Header, content io.Reader, placeholder, prefix string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(file); err != nil {
		return err
	}
	if header.Typeflag == tar.TypeSymlink {
		return os.Symlink(header.Linkname, file)
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	if placeholder != "" {
		data = bytes.ReplaceAll(data, []byte(placeholder), []byte(prefix))
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return err
	}
	return os.Chmod(file, header.FileInfo().Mode().Perm())
}

// readPlaceholders returns the placeholders of files, from info/paths.json.
func readPlaceholders(archive *zip.Reader, part string) (map[string]string, error) {
	placeholders := map[string]string{}
	err := eachFile(archive, part, func(header *tar.Header, content io.Reader) error {
		if header.Name != "info/paths.json" {
			return nil
		}
		var paths struct {
			Paths []struct {
				Path        string `json:"_path"`
				Placeholder string `json:"prefix_placeholder"`
				FileMode    string `json:"file_mode"`
			} `json:"paths"`
		}
		if err := json.NewDecoder(content).Decode(&paths); err != nil {
			return err
		}
		for _, p := range paths.Paths {
			if p.FileMode == "binary" {
				return usage("the package has a placeholder in the binary file %s", p.Path)
			}
			placeholders[p.Path] = p.Placeholder
		}
		return nil
	})
	return placeholders, err
}

// eachFile calls f with every file of a compressed tar archive in a zip archive.
func eachFile(archive *zip.Reader, part string, f func(*tar.Header, io.Reader) error) error {
	file, err := archive.Open(part)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := zstd.NewReader(file)
	if err != nil {
		return err
	}
	defer plain.Close()
	in := tar.NewReader(plain)
	for {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(header, in); err != nil {
			return err
		}
	}
}
