package runtimefile

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
)

// RootLine begins the line by which a runtime file says that the project's root is a directory of the context and not the
// context itself. It stands among the comments that the file begins with: a folder made for another builder has it.
const RootLine = "# rtbuild: root="

// Root gives what a runtime file says of the project's root: a directory relative to the context, slash-separated; "." if it
// says nothing.
func Root(file []byte) (string, error) {
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line != "" && !strings.HasPrefix(line, "#") {
			break
		}
		if dir, found := strings.CutPrefix(line, RootLine); found {
			if dir = strings.TrimSpace(dir); !fs.ValidPath(dir) {
				return "", fmt.Errorf("the line %q names no directory below the context: write it as %q", line, RootLine+"code")
			}
			return dir, nil
		}
	}
	return ".", nil
}
