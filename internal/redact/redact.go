// Package redact removes credentials from text for people: progress, errors, lists of addresses. It reads no file, environment or
// network.
package redact

import (
	"net/url"
	"regexp"
	"strings"
)

// hidden replaces a secret.
const hidden = "***"

// URL returns an address without user, password, query and fragment, since any of them may hold a secret. If the text is not an
// address, URL hides secrets as Text does.
func URL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return Text(address)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	if strings.ContainsAny(u.Path, "{}") {
		return u.Scheme + "://" + u.Host + u.Path // String would escape placeholders
	}
	return u.String()
}

var (
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s"'<>]*@`)
	query    = regexp.MustCompile(`(://[^\s"'?<>]*\?)[^\s"'<>]+`)
	// named matches what precedes a secret: the name of a field, variable or option, or the word "bearer".
	named = regexp.MustCompile(`(?i)(?:` + names + `)[\w-]*["']?[ \t]*[:=][ \t]*|--[\w-]*(?:` + names + `)(?:["']?[ \t]*,[ \t]*|[ \t]+)|\bbearer[ \t]+`)
	// key matches the text before a YAML line's first key.
	key = regexp.MustCompile(`^[ \t]*(?:- +)*`)
	// flowValue matches a value inside braces or brackets. Unless it is quoted, it ends at a comma or the closing character.
	flowValue = regexp.MustCompile(`^(?:"(?:\\.|[^"\\])*"?|'(?:''|[^'])*'?)?[^,}\]]*`)
)

// names are parts of the names of secrets. A name may continue after them.
const names = `password|passwd|passphrase|pass|pwd|pw|token|secret|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|_auth|authorization|bearer`

// Text returns a text without the credentials in its addresses, and without the values of fields named password, token, secret
// or the like. It keeps the number of lines, so that line numbers stay right.
func Text(text string) string {
	text = userinfo.ReplaceAllString(text, "${1}"+hidden+"@")
	text = query.ReplaceAllString(text, "${1}"+hidden)
	lines := strings.Split(text, "\n")
	above := -1 // the column of a key whose hidden value may continue on the next line; -1 if there is none
	for i, line := range lines {
		body := strings.TrimSuffix(line, "\r")
		indent := len(body) - len(strings.TrimLeft(body, " \t"))
		var shown string
		switch {
		case indent == len(body):
			continue
		case above >= 0 && indent > above:
			shown = body[:indent] + hidden
		default:
			var open bool
			if shown, open = hide(body); open && body[indent] != '#' {
				above = len(key.FindString(body))
			} else {
				above = -1
			}
		}
		lines[i] = shown + line[len(body):]
	}
	return strings.Join(lines, "\n")
}

// hide returns a line without its secrets, and reports whether one may continue on the next line.
func hide(line string) (shown string, open bool) {
	var text strings.Builder
	for from := 0; ; {
		at := named.FindStringIndex(line[from:])
		if at == nil {
			return text.String() + line[from:], false
		}
		if from+at[1] == len(line) { // the value is on the next line
			return text.String() + line[from:], true
		}
		start := from + at[1]
		length, flow := extent(line[:start], line[start:])
		text.WriteString(line[from:start])
		if length > 0 {
			text.WriteString(hidden)
		}
		if !flow {
			return text.String(), true
		}
		from = start + length
	}
}

// extent returns the length of the value after a secret's name, and whether it is in YAML's flow style: inside braces or
// brackets. In block style, the value ends with the line.
func extent(before, value string) (length int, flow bool) {
	depth, quote, last := 0, rune(0), ' '
	for _, r := range before {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case strings.ContainsRune(`"'`, r) && strings.ContainsRune(" \t{[,:=(", last):
			quote = r
		case r == '{' || r == '[':
			depth++
		case r == '}' || r == ']':
			depth--
		}
		last = r
	}
	switch {
	case depth <= 0:
		return len(value), false
	case quote != 0: // the name is inside a quoted string
		if end := strings.IndexRune(value, quote); end >= 0 {
			return end, true
		}
		return len(value), true
	case strings.HasPrefix(value, "{") || strings.HasPrefix(value, "["):
		return nested(value), true
	}
	return len(flowValue.FindString(value)), true
}

// nested returns the length of a list or map in flow style. If it continues on the next line, it ends with the line.
func nested(value string) int {
	depth := 0
	for i, r := range value {
		switch r {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(value)
}

// HasCredentials reports whether the address of a proxy contains a user or a password. The scheme may be missing, as in the
// variables HTTP_PROXY and HTTPS_PROXY.
func HasCredentials(proxy string) bool {
	authority := proxy
	if _, rest, ok := strings.Cut(proxy, "://"); ok {
		authority = rest
	}
	authority, _, _ = strings.Cut(authority, "/")
	return strings.Contains(authority, "@")
}
