package main

import (
	"fmt"
	"path/filepath"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// projectRoot is the root of the project in a context, as the runtime file says: a folder that prepare made has it in code/.
func projectRoot(context string, file []byte) (string, error) {
	dir, err := profile.Root(file)
	if err != nil || dir == "." {
		return context, err
	}
	root, err := contextDir(filepath.Join(context, filepath.FromSlash(dir)))
	if err == nil && !inside(context, root) {
		return "", fmt.Errorf("the runtime file's root %s is a link that leaves the context: copy what it points to into the context", dir)
	}
	return root, err
}
