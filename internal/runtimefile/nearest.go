package runtimefile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
)

// nearest returns the known word that is most similar to a misspelled one.
func nearest(word string, known []string) (string, bool) {
	best, found := "", false
	limit := max(1, min(3, (len([]rune(word))+1)/3)) // short words must be more similar
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), nil); d <= limit && (d < limit || !found) {
			best, found, limit = k, true, d
		}
	}
	return best, found
}

// Suggest returns the hint for an unknown word: the most similar known word, or all of them.
func Suggest(word string, known []string) string {
	if k, ok := nearest(word, known); ok {
		return fmt.Sprintf("did you mean %q?", k)
	}
	return "known are " + strings.Join(slices.Sorted(slices.Values(known)), ", ")
}
