package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// User is the name under which the private registry is written to. The password is the token.
const User = "rtbuild"

// shortestToken is how long a token must be to count as one: 128 bits in base32.
const shortestToken = 26

// readToken gives the token that writes to the private registry, and makes it at the first start. The caller holds the
// daemon's lock, so nobody else makes one meanwhile.
func (h *home) readToken() (string, error) {
	name := h.tokenFile()
	fi, err := os.Lstat(name)
	if errors.Is(err, os.ErrNotExist) {
		return h.makeToken()
	}
	if err != nil {
		return "", fmt.Errorf("reading the private registry's token: %w", err)
	}
	if !ours(fi) || !fi.Mode().IsRegular() || fi.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("reading the private registry's token: %s is not a file that only this user may read: remove it, a new one is made", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading the private registry's token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < shortestToken {
		return "", fmt.Errorf("reading the private registry's token: %s holds no token: remove it, a new one is made", name)
	}
	return token, nil
}

// makeToken writes a new token. The file has its name only when it is complete.
func (h *home) makeToken() (string, error) {
	token := rand.Text()
	if err := writeWhole(h.tokenFile(), token+"\n"); err != nil {
		return "", fmt.Errorf("making the private registry's token: %w", err)
	}
	return token, nil
}

// writeWhole writes a file that only this user may read. A crash leaves all of it or nothing.
func writeWhole(name, text string) error {
	temp, err := os.CreateTemp(filepath.Dir(name), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.WriteString(text)
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}
