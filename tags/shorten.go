package tags

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// shortLength is the maximum length of a shortened hash.
const shortLength = 16

var errNotMD5 = errors.New("not a lower-case hexadecimal MD5")

// shorten returns an MD5 as a number in base 36, least significant digit first, without trailing zeros, cut to 16 digits
// (section 2). Zero yields the empty string. Unlike Python's parser, shorten accepts nothing but a lower-case MD5.
func shorten(hash string) (string, error) {
	if !isMD5(hash) {
		return "", fmt.Errorf("shortening %q: %w", hash, errNotMD5)
	}
	n, _ := new(big.Int).SetString(hash, 16)
	if n.Sign() == 0 {
		return "", nil
	}
	digits := []byte(n.Text(36))
	slices.Reverse(digits)
	return string(digits[:min(len(digits), shortLength)]), nil
}

func isMD5(s string) bool {
	if len(s) != 32 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
