package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
)

// CacheDir returns a directory of the user's cache, made if need be. Nobody else may read or write it.
func CacheDir(kind string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "rtbuild", kind)
	return dir, os.MkdirAll(dir, 0o700)
}

// keep writes a file unless it is there with that content. Whoever reads it meanwhile finds the one or the other, never a part.
func keep(file string, data []byte) error {
	if there, err := os.ReadFile(file); err == nil && bytes.Equal(there, data) {
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

// temp is a file that gets its name when it is whole and on the disk.
type temp struct{ *os.File }

func newTemp(dir string) (temp, error) {
	f, err := os.CreateTemp(dir, ".new-*")
	return temp{f}, err
}

// commit gives the file its name. What is in the file is on the disk before: a name with nothing behind it would be believed after a crash.
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

// sum is the SHA-256 of data, in hexadecimal digits.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
