package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
)

// CacheDir returns a directory in the user's cache, and creates it if needed. Only the user may read and write it.
func CacheDir(kind string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "rtbuild", kind)
	return dir, os.MkdirAll(dir, 0o700)
}

// writeFile writes a file, unless it exists with the same content. Concurrent readers see the old content or the new, never a
// part.
func writeFile(file string, data []byte) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, data) {
		return nil
	}
	temp, err := newTemp(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer temp.discard()
	if _, err := temp.Write(data); err != nil {
		return err
	}
	return temp.commit(file)
}

// temp is a file that gets its final name when it is complete and synced to disk.
type temp struct{ *os.File }

func newTemp(dir string) (temp, error) {
	f, err := os.CreateTemp(dir, ".new-*")
	return temp{f}, err
}

// commit syncs the file to disk and renames it. Without the sync, a crash could leave a file with the right name and no content.
func (t temp) commit(name string) error {
	if err := errors.Join(t.Sync(), t.Close()); err != nil {
		return err
	}
	return os.Rename(t.Name(), name)
}

// discard removes the file if it was not committed.
func (t temp) discard() {
	_ = t.Close()
	_ = os.Remove(t.Name())
}

// sum returns the SHA-256 of data, in hexadecimal digits.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
