package project

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

func contextDir(dir string) (string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("context %s: %w", dir, err)
	}
	if fi, err := os.Stat(root); err != nil || !fi.IsDir() {
		return "", fmt.Errorf("context %s is not a directory: give the project's root", dir)
	}
	return filepath.Abs(root)
}

// projectRoot returns the root of the project in a context, which the runtime file may set. In a folder that prepare wrote, it
// is code/.
func projectRoot(context string, file []byte) (string, error) {
	dir, err := runtimefile.Root(file)
	if err != nil || dir == "." {
		return context, err
	}
	root, err := contextDir(filepath.Join(context, filepath.FromSlash(dir)))
	if _, inside := within(context, root); err == nil && !inside {
		return "", fmt.Errorf("the runtime file's root %s is a link that leaves the context: copy what it points to into the context", dir)
	}
	return root, err
}

// readRuntimeFile reads the file that -f names: relative to the working directory, else to the context. A file in the context
// belongs to the project, which is not trusted, so readRuntimeFile follows no link that leaves the context.
func readRuntimeFile(root, name string) (string, []byte, error) {
	switch name {
	case "":
		return "", nil, nil
	case "-":
		return "", nil, errors.New("-f -: a runtime file on standard input is not supported: write it to a file, and name that")
	}
	if inContext := filepath.Join(root, name); !exists(name) && exists(inContext) {
		name = inContext
	}
	data, err := readNamed(root, name)
	return name, data, err
}

func readNamed(root, name string) ([]byte, error) {
	inside, ok := pathIn(root, name)
	if !ok {
		return runtimefile.ReadNamed(name)
	}
	files, err := projectfile.Confined(root)
	if err != nil {
		return nil, err
	}
	return runtimefile.ReadRuntime(files, inside)
}

// pathIn returns the slash-separated path of a file relative to root, and whether the file is in that directory. The path of
// root must contain no links.
func pathIn(root, name string) (string, bool) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", false
	}
	return within(root, filepath.Join(dir, filepath.Base(name)))
}

func within(root, path string) (string, bool) {
	rel, err := filepath.Rel(root, path)
	return filepath.ToSlash(rel), err == nil && filepath.IsLocal(rel)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
