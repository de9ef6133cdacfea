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

// recorder is a project's file system that records which files were opened or looked up, and the digests of their content.
type recorder struct {
	*contextfs.FS
	files map[string]hash.Hash // the hash of the last read of each file; nil if it was only looked up
	whole map[string][][]byte  // the digest of each complete read
}

func newRecorder(files *contextfs.FS) recorder {
	return recorder{files, map[string]hash.Hash{}, map[string][][]byte{}}
}

// changed returns a file that was read twice with different contents, or "" if there is none.
func (r recorder) changed() string {
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

// recorded is a file that hashes what is read from it.
type recorded struct {
	fs.File
	sum hash.Hash
	end func() // called at the end of the file
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

// names returns the files that were opened or looked up, sorted.
func (r recorder) names() []string { return slices.Sorted(maps.Keys(r.files)) }

// sums returns the digest of each file that was read.
func (r recorder) sums() map[string]string {
	sums := map[string]string{}
	for name, sum := range r.files {
		if sum != nil {
			sums[name] = string(sum.Sum(nil))
		}
	}
	return sums
}

// FilesRead returns the files in the directory root that reading a runtime opens or looks up, such as .dockerignore, sorted.
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

// CompareReads compares the files that the runtime was read from with those of a later read. It returns a *tags.ChangedError if
// one differs. The later read may have used fewer files.
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
	before, readBefore := p.sums[name]
	after, readLater := later.sums[name]
	switch {
	case readBefore && readLater && before != after:
		return errors.New("its content is different")
	case !readBefore && readLater:
		return errors.New("it did not exist before")
	case readBefore && !readLater:
		if _, err := fs.Stat(p.Files, name); errors.Is(err, fs.ErrNotExist) {
			return fs.ErrNotExist
		}
	}
	return nil
}
