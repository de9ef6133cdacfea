package runtimefile

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// RootLine begins a comment that moves the project's root to a directory of the context. It must precede the first field. Folders for other
// builders contain it.
const RootLine = "# rtbuild: root="

// Root returns the project's root according to a runtime file: a directory relative to the context, slash-separated. It returns "." if the
// file has no such line.
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

// Directory returns the project's directory in the context, according to a runtime file; "" is the context itself. It reads no other field.
func Directory(name string, file []byte) (string, error) {
	d, err := parseDocument(projectfile.Text{Name: name, Data: file})
	if err != nil || d.root == nil {
		return "", err
	}
	pairs, err := d.mapping(d.root, "the file")
	f := &File{}
	for _, p := range pairs {
		if p.name == "directory" {
			err = fileFields["directory"](d, p.value, f)
		}
	}
	return f.Directory, err
}
