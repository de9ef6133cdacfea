package imagediff

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapes holds the characters with escapes of their own in C.
var escapes = map[rune]string{
	'\a': `\a`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\v': `\v`, '\f': `\f`, '\r': `\r`, '"': `\"`, '\\': `\\`,
}

// quote quotes a name as git does with core.quotePath=false. It uses double quotes and C's escapes if the name contains a quote,
// a backslash or an unprintable character, which could control a terminal.
func quote(name string) string {
	if escaped := escape(name); escaped != name {
		return `"` + escaped + `"`
	}
	return name
}

// quoteValue quotes like quote, and also quotes values that would not stand out from the surrounding text.
func quoteValue(value string) string {
	escaped := escape(value)
	if escaped != value || value == "" || strings.ContainsAny(value, " ,") {
		return `"` + escaped + `"`
	}
	return value
}

// escape escapes quotes, backslashes and, byte by byte in octal, unprintable characters.
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
