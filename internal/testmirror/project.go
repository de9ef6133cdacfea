package testmirror

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

// Project writes a project with the layout of OpenHands into dir: pyproject.toml and poetry.lock of openhands-ai 0.62.0, locked
// to wheels of m's index; a small working agent, openhands/agent_server.py; extensions, microagents, skills, and files that must not be in an
// image. The lock file's group dev (setuptools) must not be in an image, either.
func Project(dir string, m *Mirror) error { return m.write("project", dir) }

// PoetryProject writes a project named poetry-agent: pyproject.toml, poetry.lock and main.py, an HTTP server that imports a
// locked dependency. Its group main has packaging and wheel, its group dev setuptools.
func PoetryProject(dir string, m *Mirror) error { return m.write("poetryproject", dir) }

// UVProject writes a project named uv-agent. It is like PoetryProject, but has a uv.lock with PyPI's real addresses.
func UVProject(dir string, m *Mirror) error { return m.write("uvproject", dir) }

// lockedWheel is what lock files record about a wheel.
type lockedWheel struct {
	Name, Version, File, URL, SHA256, Summary, RequiresPython string
	Size                                                      int
}

var summaryLine = regexp.MustCompile(`(?m)^Summary: *(.+)$`)

// locked returns the lock file's record of a project's wheel.
func (i index) locked(name string) (lockedWheel, error) {
	wheels := i[name]
	if len(wheels) == 0 {
		return lockedWheel{}, fmt.Errorf("the index has no wheel of %s", name)
	}
	w := wheels[0]
	locked := lockedWheel{
		Name: name, Version: w.version, File: w.file, URL: "https://files.pythonhosted.org" + w.path, SHA256: digest(w.content),
		RequiresPython: w.requiresPython, Size: len(w.content),
	}
	if match := summaryLine.FindSubmatch(w.metadata); match != nil {
		locked.Summary = strings.TrimSpace(string(match[1]))
	}
	return locked, nil
}

// write writes a project from its folder in testdata. Lock files are templates, because the wheels are known only at run time.
func (m *Mirror) write(project, dir string) error {
	root := path.Join("testdata", project)
	return fs.WalkDir(testdata, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := testdata.ReadFile(name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, ".lock") {
			if content, err = m.fill(name, content); err != nil {
				return err
			}
		}
		return writeFile(filepath.Join(dir, strings.TrimPrefix(name, root+"/")), content, 0o644)
	})
}

// fill executes the template of a lock file.
func (m *Mirror) fill(name string, text []byte) ([]byte, error) {
	t, err := template.New(name).Funcs(template.FuncMap{
		"wheel": m.index.locked,
		"slice": func(names ...string) []string { return names },
	}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, nil)
	return out.Bytes(), err
}
