package projectfile

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rtbuild/rtbuild/internal/redact"
)

// Error reports an unusable part of a file, with its position. Its text is like a compiler's: position and message in the first line, then
// the line of the file with a mark below the column. It hides credentials in that line.
type Error struct {
	File    string
	Line    int // from 1; 0: the whole file
	Column  int // in characters, from 1; 0: the whole line
	Source  string
	Data    []byte // the whole file; nil if it does not exist
	Message string
	Hint    string // what to do; may be empty

	cause error // may be nil
}

// Unwrap returns the file system's error, if the file could not be read.
func (e *Error) Unwrap() error { return e.cause }

// Error returns "FILE:LINE:COLUMN: MESSAGE: HINT" and the marked line.
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

// Summary returns "MESSAGE: HINT", for callers that show the position themselves.
func (e *Error) Summary() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// indent returns blanks as wide as the text before the column. Tabs stay tabs.
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

// Text is a file, for errors that point into it.
type Text struct {
	Name string
	Data []byte
}

// At returns an error in a line and column; see [Error].
func (t Text) At(line, column int, hint, format string, args ...any) *Error {
	e := &Error{File: t.Name, Line: line, Column: column, Data: t.Data, Hint: hint, Message: fmt.Sprintf(format, args...)}
	lines := bytes.Split(t.Data, []byte("\n"))
	if 0 < line && line <= len(lines) {
		e.Source = strings.TrimSuffix(strings.ToValidUTF8(string(lines[line-1]), "\uFFFD"), "\r")
	}
	return e
}

// AtOffset returns an error at a byte of the file, counted from 0.
func (t Text) AtOffset(offset int, hint, format string, args ...any) *Error {
	before := t.Data[:min(max(0, offset), len(t.Data))]
	start := bytes.LastIndexByte(before, '\n') + 1
	line, column := bytes.Count(before, []byte("\n"))+1, len([]rune(string(before[start:])))+1
	return t.At(line, column, hint, format, args...)
}

// SourceLocation is a range of lines of a file.
type SourceLocation struct {
	File        string // relative to the project, or as the command line names it
	Data        []byte // the whole file; nil if messages must not show it
	First, Last int    // from 1; 0: the whole file
}
