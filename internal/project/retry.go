package project

import (
	"errors"
	"fmt"

	"github.com/rtbuild/rtbuild/tags"
)

// retries is how often RetryChanged calls try again.
const retries = 2

// RetryChanged calls try, and calls it again, twice at most, if it returns a *tags.ChangedError: a user who saves a file during a
// build wants an image of the new file. It calls changed before each new attempt. If files still change, the error says so and
// wraps the last *tags.ChangedError.
func RetryChanged(try func() error, changed func(*tags.ChangedError)) error {
	for n := 0; ; n++ {
		err := try()
		var change *tags.ChangedError
		if !errors.As(err, &change) {
			return err
		}
		if n == retries {
			return fmt.Errorf("%w; a file changed during each of %d attempts: "+
				"stop the program that writes to the project, or add the file to ignore", change, n+1)
		}
		changed(change)
	}
}
