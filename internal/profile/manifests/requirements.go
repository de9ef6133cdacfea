package manifests

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/redact"
)

// requirements reads a requirements file and its includes, in the format that pip documents ("Requirements File Format").
type requirements struct {
	fsys        fs.FS
	found       Requirements
	seen        map[string]bool // by file: whether its requirements must be pinned
	constrained map[string]bool // names that a constraint pins
	unpinned    []unpinned
}

// Requirements are what a requirements file says.
type Requirements struct {
	Files       []string // the file and its includes, in the order of their first mention
	Conditional []string // "FILE:LINE: REQUIREMENT" of those that are not pinned, and must not hold for the interpreter
}

// ReadRequirements reads a requirements file and its includes. It returns an error unless every requirement is pinned by itself or by a
// constraint: otherwise one lock tag would stand for different dependencies on different days. Only the interpreter knows whether one with a
// marker must be. A missing file is no error here, because computing the tags reports it.
func ReadRequirements(fsys fs.FS, name string) (Requirements, error) {
	r := &requirements{fsys: fsys, seen: map[string]bool{}, constrained: map[string]bool{}}
	err := r.read(name, true)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = r.settle()
	}
	return r.found, err
}

// read reads a file. Requirements must be pinned, constraints need not.
func (r *requirements) read(name string, pinned bool) error {
	if _, again := r.seen[name]; !again {
		r.found.Files = append(r.found.Files, name)
	}
	r.seen[name] = pinned
	data, err := projectfile.ReadFile(r.fsys, name, projectfile.LockLimit)
	if err != nil {
		return err
	}
	t := projectfile.Text{Name: name, Data: data}
	for _, line := range logicalLines(string(data)) {
		if err := r.line(t, line, pinned); err != nil {
			return err
		}
	}
	return nil
}

var (
	includeForm  = regexp.MustCompile(`^(-r|--requirement|-c|--constraint)\s*=?\s*(\S.*)$`)
	editableForm = regexp.MustCompile(`^(-e|--editable)\b`)
	pinForm      = regexp.MustCompile(`===?\s*[^\s;,*=]+(\s|,|$|;)`)
	localForm    = regexp.MustCompile(`^[./]|^[^@]*\.(whl|zip|tar\.gz)$`)
)

func (r *requirements) line(t projectfile.Text, l logicalLine, pinned bool) error {
	if include := includeForm.FindStringSubmatch(l.text); include != nil {
		return r.include(t, l, include[2], pinned && strings.HasPrefix(strings.TrimLeft(include[1], "-"), "r"))
	}
	spec := specOf(l)
	switch {
	case pinned && editableDir(spec) != "":
		return nil
	case !strings.Contains(spec, "://") && (editableForm.MatchString(spec) || localForm.MatchString(spec)):
		return t.At(l.number, l.column, "name a package of an index, or a URL, or write -e ./DIRECTORY for a project in the context",
			"the requirement %q is a path, and dependencies are installed without the source", spec)
	case !pinned:
		r.constrain(l)
		return nil
	case strings.Contains(l.text, "--hash"):
		return nil
	case strings.Contains(spec, "://") && (!strings.HasPrefix(spec, "-") || editableForm.MatchString(spec)):
		if pinnedAddress(spec) {
			return nil
		}
		return t.At(l.number, l.column, "name a commit by its full hash, such as git+https://HOST/PATH@0123...cdef, or a release",
			"the requirement %q is not pinned: the contents of its address may change", redact.Text(spec))
	case strings.HasPrefix(spec, "-"), pinForm.MatchString(spec):
		return nil
	}
	r.unpinned = append(r.unpinned, unpinned{t, l})
	return nil
}

// specOf returns a line without its markers, which may contain ==.
func specOf(l logicalLine) string {
	spec, _, _ := strings.Cut(l.text, ";")
	return strings.TrimSpace(spec)
}

// The forms of versions in a requirement's address.
var (
	addressForm  = regexp.MustCompile(`(?:([a-z]+)\+)?[a-z]+://[^/\s]*(/\S*)?`)
	revisionForm = regexp.MustCompile(`@([^@/#]+)(#|$)`)
	commitForm   = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	numberForm   = regexp.MustCompile(`^r?[0-9]+$`)
	branchForm   = regexp.MustCompile(`/heads/|/archive/[^0-9]*$`)
)

// pinnedAddress reports whether the contents of a requirement's address never change. Branches and tags of a version control move. A
// full commit hash and a revision number do not. An archive counts as fixed unless it is named after a branch.
func pinnedAddress(spec string) bool {
	at := addressForm.FindStringSubmatch(spec)
	if at == nil {
		return true // not an address that pip knows; pip reports it
	}
	control, rest := at[1], at[2]
	revision := ""
	if m := revisionForm.FindStringSubmatch(rest); m != nil {
		revision = m[1]
	}
	switch control {
	case "git", "hg":
		return commitForm.MatchString(revision)
	case "svn", "bzr":
		return numberForm.MatchString(revision)
	}
	path, fragment, _ := strings.Cut(rest, "#")
	return !branchForm.MatchString(path) || strings.Contains(fragment, "sha256=")
}

// include reads an included file. Its name is relative to the including file.
func (r *requirements) include(t projectfile.Text, l logicalLine, name string, pinned bool) error {
	name = strings.Trim(name, `"'`)
	file := path.Join(path.Dir(t.Name), name)
	if strings.Contains(name, "://") || path.IsAbs(name) || !fs.ValidPath(file) || file == "." {
		return t.At(l.number, l.column, "copy it into the project", "the included file %q is not in the project", redact.Text(name))
	}
	if before, again := r.seen[file]; again && (before || !pinned) {
		return nil
	}
	err := r.read(file, pinned)
	var fault *projectfile.Error
	if errors.As(err, &fault) && fault.File == file && errors.Unwrap(fault) != nil { // replace an error that repeats the file's name
		return t.At(l.number, l.column, "create it, or remove the line", "the included file %q cannot be read: %s", file, fault.Message)
	}
	return err
}

// logicalLine is a line with its continuation lines, without comments.
type logicalLine struct {
	number, column int
	text           string
}

var comment = regexp.MustCompile(`(^|\s)#.*$`)

// logicalLines joins lines that end in a backslash, and drops empty lines.
func logicalLines(data string) []logicalLine {
	var all []logicalLine
	var open []string // the parts of an unfinished line
	for i, raw := range strings.Split(strings.TrimPrefix(data, "\uFEFF"), "\n") {
		raw = strings.TrimSuffix(raw, "\r")
		body, more := strings.CutSuffix(raw, `\`)
		if comment.MatchString(raw) {
			body, more = comment.ReplaceAllString(raw, ""), false
		}
		body = strings.TrimSpace(body)
		if body != "" {
			if open == nil {
				column := len([]rune(raw)) - len([]rune(strings.TrimLeft(raw, " \t"))) + 1
				all = append(all, logicalLine{number: i + 1, column: column})
			}
			open = append(open, body)
		}
		if !more && open != nil {
			all[len(all)-1].text = strings.Join(open, " ")
			open = nil
		}
	}
	if open != nil {
		all[len(all)-1].text = strings.Join(open, " ")
	}
	return all
}
