package tags

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxTag is the length of the longest tag that a registry accepts, in characters.
const maxTag = 128

// prefix begins every tag, before the version.
const prefix = "oh_v"

// maxVersion is the length of the longest version that fits into a source tag: "oh_v" VERSION "_" LOCK "_" SOURCE.
const maxVersion = maxTag - len(prefix) - 2*(1+shortLength)

// isTag reports whether a registry accepts text as a tag: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}.
func isTag(text string) bool {
	return text != "" && len(text) <= maxTag && !strings.ContainsRune(".-", rune(text[0])) && clean(text) == text
}

// clean replaces every character that is invalid in a tag by "-".
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_.-", r):
			return r
		}
		return '-'
	}, text)
}

// checkVersion refuses a version that does not fit into a source tag.
func checkVersion(version string) error {
	n := utf8.RuneCountInString(version)
	if n <= maxVersion {
		return nil
	}
	return &InputError{
		Input: "version", Value: version,
		Err: fmt.Errorf("it has %d characters, and a tag of %d has room for %d", n, maxTag, maxVersion),
		Fix: "give a shorter one",
	}
}
