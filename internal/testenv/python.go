package testenv

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Python is a build of python-build-standalone.
type Python struct {
	Version string // as its project writes it: 3.14.6+20260610
	Archive string // a file like those of its releases: everything is in the directory python
}

// pythonModule carries the builds. Its version names the version of Python and the date of the build.
const pythonModule = "github.com/kluctl/go-embed-python"

// StandalonePython returns the build for this machine. It lacks pip, venv's way to install it, and headers.
func StandalonePython(ctx context.Context) (Python, error) {
	module, err := moduleDir(ctx, "tools/python")
	if err != nil {
		return Python{}, err
	}
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", pythonModule)
	download.Dir = module
	out, err := download.Output()
	if err != nil {
		return Python{}, fmt.Errorf("%s: %w", download, err)
	}
	var got struct{ Version, Dir string }
	if err := json.Unmarshal(out, &got); err != nil {
		return Python{}, err
	}
	parts := strings.Split(got.Version, "-") // v0.0.0-3.14.6-20260610-1
	if len(parts) != 4 {
		return Python{}, fmt.Errorf("the version of %s is %s", pythonModule, got.Version)
	}
	cache, err := CacheDir()
	p := Python{Version: parts[1] + "+" + parts[2], Archive: filepath.Join(cache, "python-"+got.Version+"-"+runtime.GOARCH+".tar.gz")}
	if err != nil {
		return p, err
	}
	return p, Made(p.Archive, func(temp string) error {
		return packPython(temp, os.DirFS(filepath.Join(got.Dir, "python/internal/data/linux-"+runtime.GOARCH)))
	})
}

// packedFile is an entry of the module's list of files.
type packedFile struct {
	Name       string
	Size       int64
	Perm       fs.FileMode
	Symlink    string
	Compressed bool
}

// packPython writes an archive of the module's files.
func packPython(archive string, data fs.FS) error {
	list, err := fs.ReadFile(data, "files.json")
	if err != nil {
		return err
	}
	var all struct{ Files []packedFile }
	if err := json.Unmarshal(list, &all); err != nil {
		return err
	}
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	defer out.Close()
	packed, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	into := tar.NewWriter(packed)
	for _, f := range all.Files {
		if err := f.pack(into, data); err != nil {
			return err
		}
	}
	if err := into.Close(); err != nil {
		return err
	}
	return packed.Close()
}

// pack adds the file to an archive.
func (f packedFile) pack(into *tar.Writer, data fs.FS) error {
	header := &tar.Header{Name: "python/" + f.Name, Mode: int64(f.Perm.Perm()), ModTime: time.Unix(0, 0)}
	switch {
	case f.Symlink != "":
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, f.Symlink, 0o777
		return into.WriteHeader(header)
	case f.Perm.IsDir():
		header.Typeflag = tar.TypeDir
		return into.WriteHeader(header)
	}
	header.Typeflag, header.Size = tar.TypeReg, f.Size
	if err := into.WriteHeader(header); err != nil {
		return err
	}
	return f.copyTo(into, data)
}

func (f packedFile) copyTo(out io.Writer, data fs.FS) error {
	name := f.Name
	if f.Compressed {
		name += ".gz"
	}
	in, err := data.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	if !f.Compressed {
		_, err = io.Copy(out, in)
		return err
	}
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, unpacked)
	return err
}
