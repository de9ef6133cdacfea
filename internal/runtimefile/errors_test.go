package runtimefile

import (
	"strings"
	"testing"
)

// TestErrorShowsNoCredentials: an error shows the line that it is about, with the mark in its place, and without the password in it.
func TestErrorShowsNoCredentials(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"a password in a url", "tools:\n  - {name: a, url: 'https://me:HUNTER2@e.com/x'}\n",
			"runtime.yaml:2:20: url of e.com holds a user or password, which the image would show: leave it out\n" +
				"  - {name: a, url: 'https://***@e.com/x'}\n" +
				"                   ^"},
		{"a mark behind a password", "tools: [{url: 'https://e.com/x?sig=HUNTER2', sha256: [a]}]\n",
			"runtime.yaml:1:54: sha256 must be a map, not a list\n" +
				"tools: [{url: 'https://e.com/x?***', sha256: [a]}]\n" +
				"                                             ^"},
		{"a token in an address of no kind", "tools: [{url: 'ftp://e.com/x?sig=HUNTER2'}]\n", `url "ftp://e.com/x" is not valid`},
		{"a placeholder", "tools: [{url: 'https://e.com/{os}?sig=HUNTER2'}]\n", `url "https://e.com/{os}" has an unknown placeholder`},
		{"a mirror", "network: {mirrors: {pypi: 'https://me:HUNTER2@e.com'}}\n", "network: {mirrors: {pypi: 'https://***@e.com'}}"},
		{"a variable", "env: {API_TOKEN: HUNTER2, 1A: b}\n", "env: {API_TOKEN: ***, 1A: b}"},
		{"no YAML", "base: debian\npassword: HUNTER2 : y\n", "password: ***"},
		{"a password of several words", "env: {A: b}\nAPI_PASSWORD: correct horse HUNTER2 staple\n", "API_PASSWORD: ***"},
		{"a header", "env: [{Authorization: Basic HUNTER2}]\n", "env: [{Authorization: ***}]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(Name, []byte(tt.file), known)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got\n%v\nwant\n%s", err, tt.want)
			}
			if strings.Contains(err.Error(), "HUNTER2") {
				t.Errorf("it is shown: %v", err)
			}
		})
	}
}
