package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// recorder is a project's file system that remembers which files were asked for, and what was read of them.
type recorder struct {
	*contextfs.FS
	files map[string]hash.Hash // nil: it was only looked for
	whole map[string][][]byte  // of each whole reading, the digest
}

func newRecorder(files *contextfs.FS) recorder {
	return recorder{files, map[string]hash.Hash{}, map[string][][]byte{}}
}

// unsteady is a file that was read twice, and was not the same; "" if there is none. What was made of it fits to no file.
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

// recorded is a file whose content is hashed while it is read.
type recorded struct {
	fs.File
	sum hash.Hash
	end func()
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

// changedFrom names a file that says how a project is read, and says something else in a later reading; nil if there is none. A
// later reading may do with fewer files.
func (p *project) changedFrom(later *project) error {
	names := slices.Concat(slices.Collect(maps.Keys(p.read)), slices.Collect(maps.Keys(later.read)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		before, was := p.read[name]
		after, is := later.read[name]
		var err error
		switch {
		case was && is && before != after:
			err = errors.New("its content is different")
		case !was && is:
			err = errors.New("it was not there")
		case was && !is:
			if _, gone := fs.Stat(p.files, name); errors.Is(gone, fs.ErrNotExist) {
				err = fs.ErrNotExist
			}
		}
		if err != nil {
			return &solve.ChangedError{Path: name, Err: err}
		}
	}
	return nil
}
