package testmirror

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// condaSubdir returns conda's name of this machine's platform.
func condaSubdir() string {
	if runtime.GOARCH == "arm64" {
		return "linux-aarch64"
	}
	return "linux-64"
}

// placeholder represents the environment's prefix in packages. It is as long as conda's placeholders.
var placeholder = "/opt/rtbuild-stand-in/_h_env" + strings.Repeat("_placehold", 22)

// condaPackage is a package of the channel, with its files by their path below the prefix.
type condaPackage struct {
	name, version string
	depends       []string
	files         map[string]condaFile
}

// condaFile is a file or, with a target, a symbolic link.
type condaFile struct {
	content []byte
	mode    fs.FileMode
	target  string
	prefix  bool // the content contains the placeholder
}

// repodata is a channel's list of packages for a platform, in conda's format.
type repodata struct {
	Info     map[string]string         `json:"info"`
	Packages map[string]packageRecord  `json:"packages"`
	Conda    map[string]*packageRecord `json:"packages.conda"`
	Version  int                       `json:"repodata_version"`
}

// packageRecord is a package in repodata, and its info/index.json.
type packageRecord struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Build       string   `json:"build"`
	BuildNumber int      `json:"build_number"`
	Depends     []string `json:"depends"`
	License     string   `json:"license,omitempty"`
	Subdir      string   `json:"subdir"`
	SHA256      string   `json:"sha256,omitempty"`
	Size        int      `json:"size,omitempty"`
}

// writeChannel writes packages and their list for this machine's platform, and an empty list for noarch.
func writeChannel(dir string, packages ...condaPackage) error {
	list := repodata{map[string]string{"subdir": condaSubdir()}, map[string]packageRecord{}, map[string]*packageRecord{}, 1}
	for _, p := range packages {
		record := &packageRecord{
			Name: p.name, Version: p.version, Build: "debian_0", Depends: append([]string{}, p.depends...), Subdir: condaSubdir(),
		}
		name := fmt.Sprintf("%s-%s-%s", record.Name, record.Version, record.Build)
		data, err := p.pack(name, *record)
		if err != nil {
			return fmt.Errorf("packing %s: %w", name, err)
		}
		sum := sha256.Sum256(data)
		record.SHA256, record.Size = hex.EncodeToString(sum[:]), len(data)
		list.Conda[name+".conda"] = record
		if err := writeFile(filepath.Join(dir, condaSubdir(), name+".conda"), data, 0o644); err != nil {
			return err
		}
	}
	if err := writeJSON(filepath.Join(dir, condaSubdir(), "repodata.json"), list); err != nil {
		return err
	}
	none := repodata{map[string]string{"subdir": "noarch"}, map[string]packageRecord{}, map[string]*packageRecord{}, 1}
	return writeJSON(filepath.Join(dir, "noarch", "repodata.json"), none)
}

// pathsFile is info/paths.json of a package.
type pathsFile struct {
	Paths   []pathEntry `json:"paths"`
	Version int         `json:"paths_version"`
}

type pathEntry struct {
	Path        string `json:"_path"`
	Type        string `json:"path_type"`
	SHA256      string `json:"sha256,omitempty"`
	Size        int    `json:"size_in_bytes"`
	FileMode    string `json:"file_mode,omitempty"`
	Placeholder string `json:"prefix_placeholder,omitempty"`
}

// pack returns the package in the format .conda: a zip archive of two compressed tar archives.
func (p condaPackage) pack(name string, record packageRecord) ([]byte, error) {
	paths := pathsFile{Version: 1}
	for _, file := range slices.Sorted(maps.Keys(p.files)) {
		f := p.files[file]
		entry := pathEntry{Path: file, Type: "hardlink", Size: len(f.content)}
		sum := sha256.Sum256(f.content)
		entry.SHA256 = hex.EncodeToString(sum[:])
		if f.target != "" {
			entry = pathEntry{Path: file, Type: "softlink"}
		}
		if f.prefix {
			entry.FileMode, entry.Placeholder = "text", placeholder
		}
		paths.Paths = append(paths.Paths, entry)
	}
	info := map[string]condaFile{}
	for file, value := range map[string]any{"info/index.json": record, "info/paths.json": paths} {
		content, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		info[file] = condaFile{content: content, mode: 0o644}
	}
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, part := range []struct {
		name  string
		files map[string]condaFile
	}{{"pkg-" + name + ".tar.zst", p.files}, {"info-" + name + ".tar.zst", info}} {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Store})
		if err != nil {
			return nil, err
		}
		if err := writeZstd(w, part.files); err != nil {
			return nil, err
		}
	}
	w, err := archive.CreateHeader(&zip.FileHeader{Name: "metadata.json", Method: zip.Store})
	if err == nil {
		_, err = io.WriteString(w, `{"conda_pkg_format_version": 2}`)
	}
	if err := errors.Join(err, archive.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// writeZstd writes files as a compressed tar archive.
func writeZstd(w io.Writer, files map[string]condaFile) error {
	packed, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(packed)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: int64(f.mode), Size: int64(len(f.content))}
		if f.target != "" {
			header = &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Mode: 0o777, Linkname: f.target}
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), packed.Close())
}

// writeFile writes a file, and creates its parent directories.
func writeFile(file string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(path.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, mode)
}

func writeJSON(file string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(file, append(data, '\n'), 0o644)
}
