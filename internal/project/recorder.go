package project

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/tags"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// recorder is a project's file system that records which files were asked for, and what was read of them.
type recorder struct {
	*contextfs.FS
	files map[string]hash.Hash // of the last reading of each file; nil if only its existence was asked for
	whole map[string][][]byte  // the digest of each complete reading
}

func newRecorder(files *contextfs.FS) recorder {
	return recorder{files, map[string]hash.Hash{}, map[string][][]byte{}}
}

// unsteady names a file that was read twice with different contents; "" if there is none.
func (r recorder) unsteady() string {
	for _, name := range slices.Sorted(maps.Keys(r.whole)) {
		if all := r.whole[name]; slices.ContainsFunc(all, func(sum []byte) bool { return !bytes.Equal(sum, all[0]) }) {
			return name
		}
	}
	return ""
}

// Stat implements fs.StatFS.
func (r recorder) Stat(name string) (fs.FileInfo, error) {
	info, err := r.FS.Stat(name)
	if _, known := r.files[name]; err == nil && info.Mode().IsRegular() && !known {
		r.files[name] = nil
	}
	return info, err
}

// Open implements fs.FS.
func (r recorder) Open(name string) (fs.File, error) {
	file, err := r.FS.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return file, err
	}
	sum := sha256.New()
	r.files[name] = sum
	return &recorded{file, sum, func() { r.whole[name] = append(r.whole[name], sum.Sum(nil)) }}, nil
}

// recorded is a file that is hashed while it is read.
type recorded struct {
	fs.File
	sum hash.Hash
	end func() // called when the file was read to its end
}

// Read implements fs.File.
func (r *recorded) Read(p []byte) (int, error) {
	n, err := r.File.Read(p)
	r.sum.Write(p[:n])
	if errors.Is(err, io.EOF) {
		r.end()
	}
	return n, err
}

// names are the files that were asked for, sorted.
func (r recorder) names() []string { return slices.Sorted(maps.Keys(r.files)) }

// sums are the digests of what was read, by file.
func (r recorder) sums() map[string]string {
	sums := map[string]string{}
	for name, sum := range r.files {
		if sum != nil {
			sums[name] = string(sum.Sum(nil))
		}
	}
	return sums
}

// FilesRead lists the files of the directory root that reading a runtime asks for, such as .dockerignore, sorted.
func FilesRead(root string, opts profile.Options) ([]string, error) {
	files, err := projectfile.Confined(root)
	if err != nil {
		return nil, err
	}
	rec := newRecorder(files)
	if _, err := profile.Load(rec, opts); err != nil {
		return nil, err
	}
	return rec.names(), nil
}

// CompareReads compares the files that the runtime was read from with those of a later reading. A file that differs is a
// *tags.ChangedError. A later reading may need fewer files.
func (p *Project) CompareReads(later *Project) error {
	names := slices.Concat(slices.Collect(maps.Keys(p.sums)), slices.Collect(maps.Keys(later.sums)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if err := p.compareRead(later, name); err != nil {
			return &tags.ChangedError{Path: name, Err: err}
		}
	}
	return nil
}

func (p *Project) compareRead(later *Project, name string) error {
	before, was := p.sums[name]
	after, is := later.sums[name]
	switch {
	case was && is && before != after:
		return errors.New("its content is different")
	case !was && is:
		return errors.New("it was not there")
	case was && !is:
		if _, gone := fs.Stat(p.Files, name); errors.Is(gone, fs.ErrNotExist) {
			return fs.ErrNotExist
		}
	}
	return nil
}
