package testmirror

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/crypto/blake2b"
)

// simpleJSON is the media type of PEP 691.
const simpleJSON = "application/vnd.pypi.simple.v1+json"

// index is the stand-in for PyPI's index: wheels by their project's normalised name.
type index map[string][]wheel

// wheel is a file of the index.
type wheel struct {
	name, version  string // of the project, as in the wheel's name
	file           string
	content        []byte
	metadata       []byte
	requiresPython string
	path           string // on files.pythonhosted.org
}

var nameSeparators = regexp.MustCompile(`[-_.]+`)

// normalised returns a project's name in the form of PEP 503.
func normalised(name string) string {
	return strings.ToLower(nameSeparators.ReplaceAllString(name, "-"))
}

// newIndex returns an index of the wheels in directories and of playwright's stand-in.
func newIndex(dirs ...string) (index, error) {
	playwright, err := playwrightWheel()
	if err != nil {
		return nil, err
	}
	contents := map[string][]byte{"playwright-" + playwrightVersion + "-py3-none-any.whl": playwright}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.whl"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if contents[filepath.Base(file)], err = os.ReadFile(file); err != nil {
				return nil, err
			}
		}
	}
	i := index{}
	for _, file := range slices.Sorted(maps.Keys(contents)) {
		w, err := readWheel(file, contents[file])
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
		i[normalised(w.name)] = append(i[normalised(w.name)], w)
	}
	return i, nil
}

func readWheel(file string, content []byte) (wheel, error) {
	parts := strings.SplitN(file, "-", 3)
	if len(parts) != 3 {
		return wheel{}, fmt.Errorf("%q is not the name of a wheel", file)
	}
	w := wheel{name: parts[0], version: parts[1], file: file, content: content}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return w, err
	}
	metadata, err := archive.Open(parts[0] + "-" + parts[1] + ".dist-info/METADATA")
	if err != nil {
		return w, err
	}
	defer metadata.Close()
	if w.metadata, err = io.ReadAll(metadata); err != nil {
		return w, err
	}
	if m := regexp.MustCompile(`(?m)^Requires-Python: *(.+)$`).FindSubmatch(w.metadata); m != nil {
		w.requiresPython = strings.TrimSpace(string(m[1]))
	}
	sum := blake2b.Sum256(content)
	hash := hex.EncodeToString(sum[:])
	w.path = "/packages/" + hash[:2] + "/" + hash[2:4] + "/" + hash[4:] + "/" + file
	return w, nil
}

// simple returns the file at a path of pypi.org: the simple index in both formats.
func (m *Mirror) simple(path string) (file, error) {
	rest, ok := strings.CutPrefix(path, "/simple/")
	if !ok {
		return file{}, absent("there is a stand-in only for the simple index: /simple/")
	}
	if rest == "" {
		return m.index.root()
	}
	name, slash := strings.CutSuffix(rest, "/")
	wheels, known := m.index[normalised(name)]
	switch {
	case !known:
		return file{}, absent("the index has no project %q, only %s", name, strings.Join(slices.Sorted(maps.Keys(m.index)), ", "))
	case !slash || name != normalised(name):
		return file{redirect: "/pypi/simple/" + normalised(name) + "/"}, nil
	}
	return page(name, wheels)
}

// root returns the list of all projects.
func (i index) root() (file, error) {
	text := pageHead + "<title>Simple index</title></head>\n<body>\n"
	projects := []map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(i)) {
		text += fmt.Sprintf("<a href=\"%s/\">%s</a>\n", name, name)
		projects = append(projects, map[string]string{"name": name})
	}
	data, err := json.Marshal(map[string]any{"meta": apiVersion, "projects": projects})
	return file{content: []byte(text + "</body>\n</html>\n"), mimeType: "text/html; charset=utf-8", json: data}, err
}

const pageHead = "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.1\">"

var apiVersion = map[string]string{"api-version": "1.1"}

// page returns the list of a project's files. Its links are relative, because a mirror has the files next to the index.
func page(name string, wheels []wheel) (file, error) {
	text := pageHead + "<title>Links for " + name + "</title></head>\n<body>\n<h1>Links for " + name + " (a stand-in of rtbuild's tests)</h1>\n"
	var versions []string
	files := []map[string]any{}
	for _, w := range wheels {
		url, sum, core := "../../../files"+w.path, digest(w.content), digest(w.metadata)
		requires := ""
		if w.requiresPython != "" {
			requires = ` data-requires-python="` + html.EscapeString(w.requiresPython) + `"`
		}
		text += fmt.Sprintf("<a href=\"%s#sha256=%s\"%s data-dist-info-metadata=\"sha256=%s\" data-core-metadata=\"sha256=%s\">%s</a><br />\n",
			url, sum, requires, core, core, w.file)
		entry := map[string]any{
			"filename": w.file, "url": url, "hashes": map[string]string{"sha256": sum}, "size": len(w.content), "yanked": false,
			"upload-time": "2025-01-01T00:00:00.000000Z", "core-metadata": map[string]string{"sha256": core},
			"data-dist-info-metadata": map[string]string{"sha256": core}, "requires-python": nil,
		}
		if w.requiresPython != "" {
			entry["requires-python"] = w.requiresPython
		}
		versions, files = append(versions, w.version), append(files, entry)
	}
	data, err := json.Marshal(map[string]any{"meta": apiVersion, "name": name, "versions": versions, "files": files})
	return file{content: []byte(text + "</body>\n</html>\n"), mimeType: "text/html; charset=utf-8", json: data}, err
}

// wheel returns the file at a path of files.pythonhosted.org: a wheel of the index, or its metadata (PEP 658).
func (m *Mirror) wheel(path string) (file, error) {
	for _, wheels := range m.index {
		for _, w := range wheels {
			switch path {
			case w.path:
				return file{content: w.content}, nil
			case w.path + ".metadata":
				return file{content: w.metadata}, nil
			}
		}
	}
	return file{}, absent("no file of the index has this path")
}

// playwrightVersion is the release that uses the browser [browserRevision].
const playwrightVersion = "1.49.0"

// playwrightWheel packs the stand-in for the module playwright.
func playwrightWheel() ([]byte, error) {
	files := map[string]condaFile{}
	for _, name := range []string{"playwright/__init__.py", "playwright/__main__.py"} {
		content, err := testdata.ReadFile("testdata/" + name)
		if err != nil {
			return nil, err
		}
		files[name] = condaFile{content: content}
	}
	return packWheel("playwright", playwrightVersion, "Playwright", "playwright = playwright.__main__:main", files)
}

// packWheel packs a stand-in for a project, with one program.
func packWheel(name, version, title, program string, files map[string]condaFile) ([]byte, error) {
	info := name + "-" + version + ".dist-info/"
	for file, text := range map[string]string{
		"METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: " + version +
			"\nSummary: A stand-in of rtbuild's tests for " + title + "\nRequires-Python: >=3.9\n",
		"WHEEL":            "Wheel-Version: 1.0\nGenerator: rtbuild\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"entry_points.txt": "[console_scripts]\n" + program + "\n",
	} {
		files[info+file] = condaFile{content: []byte(text)}
	}
	names := slices.Sorted(maps.Keys(files))
	record := ""
	for _, name := range names {
		f := files[name]
		f.mode = 0o644
		files[name] = f
		sum := sha256.Sum256(f.content)
		record += fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	files[info+"RECORD"] = condaFile{content: []byte(record + info + "RECORD,,\n"), mode: 0o644}
	return zipFiles(append(names, info+"RECORD"), files)
}
