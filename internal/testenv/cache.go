package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// CacheDir is where what is expensive to make is kept between runs, below the user's cache directory.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "rtbuild-test")
	return dir, os.MkdirAll(dir, 0o755)
}

// Made returns when there is a file or directory of this name, which build makes under another name if need be. Whoever wants
// the same thing meanwhile waits: packages that are tested at the same time make nothing twice.
func Made(name string, build func(temp string) error) error {
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	unlock, err := lock(name + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	temp := name + ".new"
	if err := os.RemoveAll(temp); err != nil { // what a run left that was killed
		return err
	}
	if err := build(temp); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return os.Rename(temp, name)
}

// lock waits for the lock of a file.
func lock(file string) (unlock func(), err error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		if err = unix.Flock(int(f.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", file, err)
	}
	return func() { _ = f.Close() }, nil
}

// removeUnused removes the directories of tools that were last used before a time.
func removeUnused(dir string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.ModTime().Before(before) {
			err = os.RemoveAll(filepath.Join(dir, entry.Name()))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
