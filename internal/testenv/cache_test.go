package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMade checks that concurrent calls make a file once, and that a failed build leaves nothing.
func TestMade(t *testing.T) {
	name := filepath.Join(t.TempDir(), "below", "it")
	broken := errors.New("broken")
	if err := Made(name, func(temp string) error { return errors.Join(os.WriteFile(temp, nil, 0o600), broken) }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it exists: %v", err)
	}
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := Made(name, func(temp string) error {
				made.Add(1)
				return os.WriteFile(temp, []byte("whole"), 0o600)
			})
			if content, _ := os.ReadFile(name); err != nil || string(content) != "whole" {
				t.Errorf("it contains %q, %v", content, err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
}
