package redact

import (
	"strings"
	"testing"
)

// TestURLShowsNoCredentials: URL returns no part of an address that may hold a secret.
func TestURLShowsNoCredentials(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing to hide", "https://example.com/a/b.tgz", "https://example.com/a/b.tgz"},
		{"password", "https://me:HUNTER2@example.com/a", "https://example.com/a"},
		{"user alone", "https://HUNTER2@example.com:8443/a", "https://example.com:8443/a"},
		{"query", "https://example.com/a?token=HUNTER2&x=1", "https://example.com/a"},
		{"fragment", "https://example.com/a#HUNTER2", "https://example.com/a"},
		{"placeholders", "https://example.com/{version}/a-{arch}?t=HUNTER2", "https://example.com/{version}/a-{arch}"},
		{"escapes", "https://example.com/a%2Fb?t=HUNTER2", "https://example.com/a%2Fb"},
		{"unreadable", "https://me:HUNTER2@exa mple.com/%zz?token=HUNTER2", "https://***@exa mple.com/%zz?token=***"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := URL(tt.in); got != tt.want || strings.Contains(got, "HUNTER2") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestTextShowsNoCredentials: Text hides the secrets of a line and nothing else.
func TestTextShowsNoCredentials(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a plain line", `base: debian:bookworm`, `base: debian:bookworm`},
		{"an address", `  url: "https://me:HUNTER2@example.com/a?sig=HUNTER2", x: 1`, `  url: "https://***@example.com/a?***", x: 1`},
		{"two at signs", `url: https://me@corp:HUNTER2@example.com/`, `url: https://***@example.com/`},
		{"a field", `password: HUNTER2 : y`, `password: ***`},
		{"several words", `  API_PASSWORD: correct horse HUNTER2 staple`, `  API_PASSWORD: ***`},
		{"a comma in block style", `password: correct, HUNTER2`, `password: ***`},
		{"a bearer token", `token: Bearer HUNTER2`, `token: ***`},
		{"a header", `run: curl -H "Authorization: Basic HUNTER2" https://a`, `run: curl -H "Authorization: ***`},
		{"a header's value", `header: Bearer HUNTER2`, `header: Bearer ***`},
		{"an option", `run: curl --proxy-pass HUNTER2 https://a`, `run: curl --proxy-pass ***`},
		{"options of a list", `run: [curl, --password, HUNTER2, "--token", "HUNTER2", b]`, `run: [curl, --password, ***, "--token", ***, b]`},
		{"short names", "DATABASE_PW: HUNTER2\nMYSQL_PWD=HUNTER2\nDB_PASS: HUNTER2\nX-Api-Key: HUNTER2", "DATABASE_PW: ***\nMYSQL_PWD=***\nDB_PASS: ***\nX-Api-Key: ***"},
		{"several words in flow style", `env: {API_PASSWORD: correct horse HUNTER2, A: b}`, `env: {API_PASSWORD: ***, A: b}`},
		{"two in flow style", `env: {A_TOKEN: HUNTER2, B: b, C_PW: HUNTER2}`, `env: {A_TOKEN: ***, B: b, C_PW: ***}`},
		{"behind a closed brace", `- {a: b} token: correct, HUNTER2`, `- {a: b} token: ***`},
		{"a quoted name in flow style", `{"token": "HUNTER2, HUNTER2", "a": "b"}`, `{"token": ***, "a": "b"}`},
		{"a list in flow style", `{secret: [a, HUNTER2], b: c}`, `{secret: ***, b: c}`},
		{"in a quoted text in flow style", `run: [curl, "--header=Authorization: Basic a, HUNTER2", b]`, `run: [curl, "--header=Authorization: ***", b]`},
		{"an escaped quote", `{token: "a\"HUNTER2", b: c}`, `{token: ***, b: c}`},
		{"a doubled quote", `{token: 'a''HUNTER2', b: c}`, `{token: ***, b: c}`},
		{"behind a quote", `{token: "a"HUNTER2, b: c}`, `{token: ***, b: c}`},
		{"a block", "- token: |\n    HUNTER2\n\n    HUNTER2\n  url: b", "- token: ***\n    ***\n\n    ***\n  url: b"},
		{"a text of several lines", "secret: \"a\r\n  HUNTER2\"\r\nb: c", "secret: ***\r\n  ***\r\nb: c"},
		{"a comment", "# the token: below\n  a: b", "# the token: ***\n  a: b"},
		{"a variable", `env: {API_TOKEN: "HUNTER2 HUNTER2", A: b}`, `env: {API_TOKEN: ***, A: b}`},
		{"an unclosed quote", `secret: "HUNTER2`, `secret: ***`},
		{"npm's", `//registry.example.com/:_authToken=HUNTER2`, `//registry.example.com/:_authToken=***`},
		{"a file", "token:\n  url: b\nsecret: \"a\nb: c\"\n", "token:\n  ***\nsecret: ***\nb: c\"\n"},
		{"a value in the next line", "API_PASSWORD:\n  HUNTER2 : y\nb: c", "API_PASSWORD:\n  ***\nb: c"},
		{"a name that goes on", "DB_PASSWORD_PROD: HUNTER2\nTOKEN_1: x\nsecrets: [a]", "DB_PASSWORD_PROD: ***\nTOKEN_1: ***\nsecrets: ***"},
		{"a question", `run: test -e a? && echo b`, `run: test -e a? && echo b`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Text(tt.in); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestHasCredentials(t *testing.T) {
	for proxy, want := range map[string]bool{
		"": false, "http://proxy:3128": false, "proxy:3128": false, "http://proxy:3128/a@b": false, "socks5://h:1": false,
		"http://me:pw@proxy:3128": true, "me:pw@proxy:3128": true, "http://token@proxy": true, "http://me:p%40w@proxy": true, "me:p@ss@proxy": true,
		"http://me:p#w@proxy": true,
	} {
		if got := HasCredentials(proxy); got != want {
			t.Errorf("%q: got %t, want %t", proxy, got, want)
		}
	}
}
