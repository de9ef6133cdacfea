package imagediff

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapes are the characters that have a letter of their own in C.
var escapes = map[rune]string{
	'\a': `\a`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\v': `\v`, '\f': `\f`, '\r': `\r`, '"': `\"`, '\\': `\\`,
}

// quote gives a name as git does with core.quotePath=false: as it is, or in double quotes with C's escapes if it has a quote,
// a backslash, or anything that could steer a terminal or pass for something else.
func quote(name string) string {
	if escaped := escape(name); escaped != name {
		return `"` + escaped + `"`
	}
	return name
}

// quoteValue is quote, and quotes what could not be told from the text around it.
func quoteValue(value string) string {
	escaped := escape(value)
	if escaped != value || value == "" || strings.ContainsAny(value, " ,") {
		return `"` + escaped + `"`
	}
	return value
}

// escape escapes quotes, backslashes and what does not print, byte by byte in octal.
func escape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		short, ok := escapes[r]
		switch {
		case ok:
			b.WriteString(short)
		case r == utf8.RuneError && size == 1, !unicode.IsPrint(r):
			for _, c := range []byte(text[i : i+size]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}
