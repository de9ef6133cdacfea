package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock is a file that one process at a time holds. The kernel gives it back when its last holder dies.
type lock struct{ file *os.File }

// takeLock waits for a lock file.
func takeLock(ctx context.Context, path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening a lock: %w", err)
	}
	if err := flock(ctx, file); err != nil {
		return nil, fmt.Errorf("waiting for %s: %w", path, err)
	}
	return &lock{file}, nil
}

// flock waits for the lock on a file, which it closes if it fails. An abandoned wait ends when the lock is free.
func flock(ctx context.Context, file *os.File) error {
	locked := make(chan error)
	go func() {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		for errors.Is(err, syscall.EINTR) {
			err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX)
		}
		select {
		case locked <- err:
			if err == nil {
				return
			}
		case <-ctx.Done():
		}
		_ = file.Close()
	}()
	select {
	case err := <-locked:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// waitUnlocked returns when nobody holds a lock on a file, or there is no such file.
func waitUnlocked(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := flock(ctx, file); err != nil {
		return err
	}
	return file.Close()
}

// release gives this process's hold back; another process that inherited the file keeps its own.
func (l *lock) release() { _ = l.file.Close() }
