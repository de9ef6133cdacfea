package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// CacheDir returns the directory for files that are expensive to make and kept between runs, below the user's cache directory.
func CacheDir() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "rtbuild-test")
	return dir, os.MkdirAll(dir, 0o755)
}

// Made ensures that a file or directory exists. If it is missing, build makes it under a temporary name. Concurrent calls, also of
// other processes, wait for each other, so that nothing is made twice.
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
	if err := os.RemoveAll(temp); err != nil { // left by a killed run
		return err
	}
	if err := build(temp); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return os.Rename(temp, name)
}

// lock locks a file, and waits until it can.
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

// removeUnused removes the directories of tools that were not used since a time.
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
