package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/rtbuild/rtbuild/internal/solve"
)

// replans is how often a command plans again because a file of the project changed under its hands.
const replans = 2

// replanning runs a command anew when a file changed after it was hashed: who saves a file during a build wants the image of
// what is there now. A project that never holds still is an error.
func replanning(try func() error) error {
	for n := 0; ; n++ {
		err := try()
		var changed *solve.ChangedError
		if !errors.As(err, &changed) {
			return err
		}
		if n == replans {
			return withCode(exitUsage, fmt.Errorf("%w; it was planned %d times, and something changed each time: "+
				"stop what writes to the project, or add the file to ignore", changed, n+1))
		}
		fmt.Fprintf(os.Stderr, "NOTE: %v; planning again\n", changed)
	}
}
