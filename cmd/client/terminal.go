package main

import (
	"io"
	"os"
)

// isTerminal reports whether output goes to a terminal.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// mayColor reports whether output may be in colour: on a terminal, unless the user sets NO_COLOR (no-color.org).
func mayColor(out io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(out)
}

// color is a colour of a terminal: the number of ECMA-48's SGR.
type color string

// The colours of plan.
const (
	green  color = "32"
	yellow color = "33"
	gray   color = "90"
)

// painter colours text, or leaves it as it is.
type painter bool

func (p painter) paint(c color, text string) string {
	if !p || c == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}
