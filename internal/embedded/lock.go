package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// lock is a locked file. The kernel unlocks it when the last process that has it open ends.
type lock struct{ file *os.File }

// takeLock locks a file, and waits for other holders.
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

// flock waits for the lock on a file. If it fails, it closes the file. After ctx has ended, the goroutine that waits ends when the
// lock is free.
func flock(ctx context.Context, file *os.File) error {
	locked := make(chan error)
	go func() {
		err := lockFile(file)
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

// waitUnlocked waits until no process holds the lock on a file, or the file does not exist.
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

// release closes the file. A process that has inherited it still holds the lock.
func (l *lock) release() { _ = l.file.Close() }
