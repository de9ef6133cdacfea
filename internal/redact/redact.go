// Package redact takes credentials out of what is shown: progress, error texts, lists of addresses. It is pure, so that the graph may use it.
package redact

import (
	"net/url"
	"regexp"
	"strings"
)

// hidden stands in the place of what is not shown.
const hidden = "***"

// URL returns an address without user, password, query and fragment: presigned addresses and tokens are in any of them. A text that is
// no address is shown with the same parts hidden.
func URL(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return Text(address)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	if strings.ContainsAny(u.Path, "{}") {
		return u.Scheme + "://" + u.Host + u.Path // placeholders are shown as they were written
	}
	return u.String()
}

var (
	userinfo = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/?#\s"'<>]*@`)
	query    = regexp.MustCompile(`(://[^\s"'?<>]*\?)[^\s"'<>]+`)
	// assigned is a field, variable or option whose name says that it holds a secret.
	assigned = regexp.MustCompile(`(?i)((?:password|passwd|passphrase|token|secret|api_?key|access_?key|private_?key|credentials?|_auth)["']?[ \t]*[:=][ \t]*)("[^"\n]*"?|'[^'\n]*'?|[^\s,}\]"']+)`)
)

// Text returns a text with the credentials in its addresses hidden, and the values of fields that are called password, token, secret or the
// like. It keeps all lines: what points at one still does.
func Text(text string) string {
	text = userinfo.ReplaceAllString(text, "${1}"+hidden+"@")
	text = query.ReplaceAllString(text, "${1}"+hidden)
	return assigned.ReplaceAllString(text, "${1}"+hidden)
}

// HasCredentials reports whether the address of a proxy names a user or a password. As in the environment, the scheme may be missing.
func HasCredentials(proxy string) bool {
	authority := proxy
	if _, rest, ok := strings.Cut(proxy, "://"); ok {
		authority = rest
	}
	authority, _, _ = strings.Cut(authority, "/")
	return strings.Contains(authority, "@")
}
