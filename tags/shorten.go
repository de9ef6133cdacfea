package tags

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
)

// shortLength is the most digits of a shortened hash.
const shortLength = 16

var errNotMD5 = errors.New("not a lower-case hexadecimal MD5")

// shorten is section 2: the number that an MD5 is in hexadecimal, in base 36 with the least significant digit first,
// without trailing zeros, cut to 16 digits. Zero gives the empty string. What Python's parser accepts beyond a
// lower-case MD5 is an error here.
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
