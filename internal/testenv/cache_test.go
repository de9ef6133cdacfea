package testenv

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// TestMade: what several want at once is made once, and what could not be made leaves nothing.
func TestMade(t *testing.T) {
	name := filepath.Join(t.TempDir(), "below", "it")
	broken := errors.New("broken")
	if err := Made(name, func(temp string) error { return errors.Join(os.WriteFile(temp, nil, 0o600), broken) }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is there: %v", err)
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
				t.Errorf("it holds %q, %v", content, err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("it was made %d times", made.Load())
	}
}
