package main

import (
	"path/filepath"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// projectRoot is the root of the project in a context, as the runtime file says: a folder that prepare made has it in code/.
func projectRoot(context string, file []byte) (string, error) {
	dir, err := profile.Root(file)
	if err != nil || dir == "." {
		return context, err
	}
	return contextDir(filepath.Join(context, filepath.FromSlash(dir)))
}
