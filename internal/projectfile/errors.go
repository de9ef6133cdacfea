package projectfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rtbuild/rtbuild/internal/redact"
)

// Error is something in a file that cannot be used, at its place. Its text is that of a compiler: where and what in the
// first line, then the line of the file with a mark under the column. Credentials in the line are not shown.
type Error struct {
	File    string
	Line    int // from 1; 0 where the file as a whole is meant
	Column  int // in characters, from 1; 0 where the line as a whole is meant
	Source  string
	Data    []byte // the whole file; nil if it is not there
	Message string
	Hint    string // what to do; may be empty

	cause error // nil where the message is all
}

// Unwrap gives what the file system said of a file that could not be read.
func (e *Error) Unwrap() error { return e.cause }

// Error gives "FILE:LINE:COLUMN: MESSAGE: HINT" and the marked line.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.File)
	for _, n := range []int{e.Line, e.Column} {
		if n > 0 {
			fmt.Fprintf(&text, ":%d", n)
		}
	}
	text.WriteString(": " + e.Summary())
	if e.Line > 0 && strings.TrimSpace(e.Source) != "" {
		text.WriteString("\n" + redact.Text(e.Source))
		if e.Column > 0 {
			text.WriteString("\n" + e.indent() + "^")
		}
	}
	return text.String()
}

// Summary gives "MESSAGE: HINT", for those who show the place in a way of their own.
func (e *Error) Summary() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// indent is as wide as what is shown before the column: tabs stay tabs.
func (e *Error) indent() string {
	before := []rune(e.Source)
	before = []rune(redact.Text(string(before[:min(e.Column-1, len(before))])))
	for i, r := range before {
		if r != '\t' {
			before[i] = ' '
		}
	}
	return string(before)
}

// Text is a file that errors point into.
type Text struct {
	Name string
	Data []byte
}

// At is an error in a line and column, as in [Error].
func (t Text) At(line, column int, hint, format string, args ...any) *Error {
	e := &Error{File: t.Name, Line: line, Column: column, Data: t.Data, Hint: hint, Message: fmt.Sprintf(format, args...)}
	lines := bytes.Split(t.Data, []byte("\n"))
	if 0 < line && line <= len(lines) {
		e.Source = strings.TrimSuffix(strings.ToValidUTF8(string(lines[line-1]), "\uFFFD"), "\r")
	}
	return e
}

// AtOffset is an error at a byte of the file, from 0.
func (t Text) AtOffset(offset int, hint, format string, args ...any) *Error {
	before := t.Data[:min(max(0, offset), len(t.Data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	line, column := bytes.Count(before, []byte("\n"))+1, len([]rune(string(before[start:])))+1
	return t.At(line, column, hint, format, args...)
}

// SourceLocation is a range of lines of a file.
type SourceLocation struct {
	File        string // relative to the project, or as the command line names it
	Data        []byte // the whole file; nil if it is not to be shown
	First, Last int    // from 1; 0: the file as a whole
}
