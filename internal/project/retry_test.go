package project

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/rtbuild/rtbuild/tags"
)

// TestRetryChanged: there are two more attempts after a change, and none after any other error.
func TestRetryChanged(t *testing.T) {
	changed := &tags.ChangedError{Path: "app.js", Err: fs.ErrNotExist}
	other := errors.New("the registry is down")
	tests := []struct {
		name  string
		errs  []error // of one attempt after the other
		tries int
		want  string
	}{
		{"nothing changes", []error{nil}, 1, ""},
		{"one change", []error{changed, nil}, 2, ""},
		{"two changes", []error{changed, errors.Join(changed), nil}, 3, ""},
		{"three changes", []error{changed, changed, changed, nil}, 3, "app.js changed after it was hashed: file does not exist; " +
			"a file changed during each of 3 attempts: stop the program that writes to the project, or add the file to ignore"},
		{"a change, then another error", []error{changed, other}, 2, "the registry is down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tries, calls := 0, 0
			err := RetryChanged(func() error { tries++; return tt.errs[tries-1] }, func(*tags.ChangedError) { calls++ })
			if tries != tt.tries || calls != tries-1 {
				t.Errorf("%d attempts, want %d; changed was called %d times", tries, tt.tries, calls)
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
				t.Errorf("got %v", err)
			}
			if is := errors.Is(err, changed); is != (tt.tries == 3 && tt.want != "") {
				t.Errorf("%v wraps the change: %t", err, is)
			}
		})
	}
}
