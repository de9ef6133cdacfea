package manifests

import (
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// PythonVersionFile is the file in which pyenv and uv find the version of Python for a project.
const PythonVersionFile = ".python-version"

// PythonWanted is a version of Python that a project asks for.
type PythonWanted struct {
	File string // that says so
	Text string // what it says
	Line string // the first two numbers of the version, such as "3.12"; empty: Text is a range

	Range llb.PythonRange
}

// WantedPython returns the versions of Python that a project asks for: in .python-version, in pyproject.toml, and in the lock file of a
// package manager. What is not understood asks for nothing. The error is about pyproject.toml itself: the reader of the lock file reports
// what is wrong there.
func WantedPython(fsys fs.FS, manager string) ([]PythonWanted, error) {
	var all []PythonWanted
	data, _ := projectfile.ReadOptional(fsys, PythonVersionFile) // pyenv reads none that rtbuild cannot read
	if text := firstLine(data); pythonVersionForm.MatchString(text) {
		all = append(all, PythonWanted{File: PythonVersionFile, Text: text, Line: pythonVersionForm.FindStringSubmatch(text)[1]})
	}
	manifest, _, err := readTOML(fsys, PyprojectTOML, projectfile.ManifestLimit)
	all = append(all, ranges(PyprojectTOML, manifest.table("project").text("requires-python"), manifest.table("tool", "poetry", "dependencies").text("python"))...)
	switch manager {
	case "uv":
		lock, _, _ := readTOML(fsys, uvLockName, projectfile.LockLimit)
		all = append(all, ranges(uvLockName, lock.text("requires-python"))...)
	case "poetry":
		lock, _, _ := readTOML(fsys, poetryLockName, projectfile.LockLimit)
		all = append(all, ranges(poetryLockName, lock.table("metadata").text("python-versions"))...)
	}
	return all, err
}

// pythonVersionForm matches versions of CPython, as pyenv and uv write them.
var pythonVersionForm = regexp.MustCompile(`^(?:cpython[@-]?|python)?(\d+\.\d+)(?:\.\d+)*$`)

// firstLine returns the first line that is no comment.
func firstLine(data []byte) string {
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\uFEFF")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return line
		}
	}
	return ""
}

// ranges returns what the texts of a file say, without those that say nothing.
func ranges(file string, texts ...string) []PythonWanted {
	var all []PythonWanted
	for _, text := range texts {
		if r, err := poetryRange(text); err == nil && r != "" {
			all = append(all, PythonWanted{File: file, Text: text, Range: r})
		}
	}
	return all
}

var (
	betweenSpecifiers = regexp.MustCompile(`([0-9*])\s+([<>=!~^])`)
	poetrySpecifier   = regexp.MustCompile(`^([\^~]?)\s*(\d+(?:\.\d+)*)(\.\*)?$`)
)

// poetryRange reads a range in the standard's or in Poetry's syntax; see Poetry's documentation, "Dependency specification".
func poetryRange(text string) (llb.PythonRange, error) {
	var alternatives []string
	for alternative := range strings.SplitSeq(betweenSpecifiers.ReplaceAllString(text, "$1,$2"), "||") {
		var parts []string
		for part := range strings.SplitSeq(alternative, ",") {
			if part = strings.TrimSpace(part); part != "*" {
				parts = append(parts, standardSpecifier(part))
			}
		}
		alternatives = append(alternatives, strings.Join(parts, ","))
	}
	return llb.ParsePythonRange(strings.Join(alternatives, "||"))
}

// standardSpecifier returns a specifier of Poetry as the standard has it: ^3.11 is >=3.11,<4, and ~3.11 is >=3.11,<3.12.
func standardSpecifier(part string) string {
	m := poetrySpecifier.FindStringSubmatch(part)
	if m == nil {
		return part
	}
	numbers := strings.Split(m[2], ".")
	switch {
	case m[1] == "":
		return "==" + m[2] + ".*"
	case m[1] == "^" || len(numbers) == 1:
		numbers = numbers[:1]
	default:
		numbers = numbers[:2]
	}
	last, _ := strconv.Atoi(numbers[len(numbers)-1]) // a number by its form
	numbers[len(numbers)-1] = strconv.Itoa(last + 1)
	return fmt.Sprintf(">=%s,<%s", m[2], strings.Join(numbers, "."))
}
