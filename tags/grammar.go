package tags

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxTag is the most characters of a tag that a registry accepts.
const maxTag = 128

// prefix is what every tag of ours begins with, before the version.
const prefix = "oh_v"

// maxVersion is the longest version with which a source tag, "oh_v" VERSION "_" LOCK "_" SOURCE, is a tag at all.
const maxVersion = maxTag - len(prefix) - 2*(1+shortLength)

// isTag says whether a registry accepts text as a tag: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}.
func isTag(text string) bool {
	return text != "" && len(text) <= maxTag && !strings.ContainsRune(".-", rune(text[0])) && clean(text) == text
}

// clean puts "-" in the place of every character that no tag may hold.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("_.-", r):
			return r
		}
		return '-'
	}, text)
}

// checkVersion refuses versions that cannot stand in a source tag.
func checkVersion(version string) error {
	n := utf8.RuneCountInString(version)
	if n <= maxVersion {
		return nil
	}
	return &InputError{
		Input: "version", Value: version,
		Err: fmt.Errorf("%d characters, and a tag of %d has room for %d", n, maxTag, maxVersion),
		Fix: "give a shorter one",
	}
}
