package project

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/rtbuild/rtbuild/tags"
)

// TestRetryChanged: a change is tried again, twice at most; any other error ends the attempts.
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
		{"three changes", []error{changed, changed, changed, nil}, 3, "app.js changed after it was hashed: file does not exist; it was planned 3 times, " +
			"and something changed each time: stop what writes to the project, or add the file to ignore"},
		{"a change, then another error", []error{changed, other}, 2, "the registry is down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tries, told := 0, 0
			err := RetryChanged(func() error { tries++; return tt.errs[tries-1] }, func(*tags.ChangedError) { told++ })
			if tries != tt.tries || told != tries-1 {
				t.Errorf("%d attempts, want %d; %d were told", tries, tt.tries, told)
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
