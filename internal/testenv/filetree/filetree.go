// Package filetree writes small directories for tests from one literal, and reads them back.
package filetree

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files is a directory: the content of each file, by its slash-separated path. "-> TARGET" is a symbolic link, and "! CONTENT" is a file
// that may be executed.
type Files map[string]string

// Write writes the files below dir and returns dir. It creates parent directories, and overwrites existing files.
func (f Files) Write(t testing.TB, dir string) string {
	t.Helper()
	for name, content := range f {
		file := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(file), 0o755)
		if err == nil {
			err = write(file, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(file, content string) error {
	if target, ok := strings.CutPrefix(content, "-> "); ok {
		return os.Symlink(target, file)
	}
	mode := fs.FileMode(0o644)
	if body, ok := strings.CutPrefix(content, "! "); ok {
		content, mode = body, 0o755
	}
	return os.WriteFile(file, []byte(content), mode)
}

// With adds files to f, and returns f.
func (f Files) With(more Files) Files {
	maps.Copy(f, more)
	return f
}

// Without returns a copy without some files.
func (f Files) Without(names ...string) Files {
	rest := maps.Clone(f)
	maps.DeleteFunc(rest, func(name, _ string) bool { return slices.Contains(names, name) })
	return rest
}

// List returns the files and links in a directory.
func List(t testing.TB, dir string) Files {
	t.Helper()
	found := Files{}
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, file)
		found[name], err = read(file, d.Type())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(file string, kind fs.FileMode) (string, error) {
	if kind&fs.ModeSymlink != 0 {
		target, err := os.Readlink(file)
		return "-> " + target, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err == nil && info.Mode()&0o100 != 0 {
		return "! " + string(data), nil
	}
	return string(data), err
}

// OpenHands returns a project like OpenHands, with each kind of file that its rules treat differently.
func OpenHands() Files {
	return Files{
		"pyproject.toml":                   "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"0.16.1\"\n",
		"poetry.lock":                      "# locked\n",
		"README.md":                        "not in the image\n",
		"openhands/__init__.py":            "",
		"openhands/README.md":              "hashed, not copied\n",
		"openhands/.env":                   "HASHED=1\n",
		"openhands/.cache/x.py":            "hidden directories are ignored\n",
		"openhands/__pycache__/x.py":       "ignored\n",
		"openhands/agent/run.sh":           "! #!/bin/sh\n",
		"openhands/agent/prompt.md":        "a prompt\n",
		"openhands/agent/prompt.txt":       "-> prompt.md",
		"openhands/linked":                 "-> agent",
		"openhands/core/config.py":         "x = 1\n",
		"openhands/core/settings.py":       "-> config.py",
		"openhands/core/shared":            "-> ../../shared",
		"openhands/core/gone":              "-> nowhere",
		"shared/data.txt":                  "reached by a link alone\n",
		"microagents/git.md":               "a microagent\n",
		"skills/git.md":                    "a skill\n",
		"skills/.more/all.md":              "ignored\n",
		"containers/runtime/README.md":     "theirs\n",
		"containers/runtime/config.sh":     "DOCKER_IMAGE=runtime\n",
		"containers/runtime/.dockerignore": "*\n",
	}
}
