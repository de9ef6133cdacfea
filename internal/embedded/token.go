package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// User is the user name for writing to the private registry. The password is the token.
const User = "rtbuild"

// shortestToken is the length of the shortest valid token: 128 bits in base32.
const shortestToken = 26

// readToken returns the token for writing to the private registry, and makes one at the first start. The caller must hold the
// daemon lock, so that no other process makes one meanwhile.
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
		return "", fmt.Errorf("reading the private registry's token: %s is not a file that only this user can read: remove it, and a new one will be made", name)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading the private registry's token: %w", err)
	}
	token := strings.TrimSpace(string(data))
	if len(token) < shortestToken {
		return "", fmt.Errorf("reading the private registry's token: %s contains no token: remove it, and a new one will be made", name)
	}
	return token, nil
}

// makeToken makes a token and writes it to its file.
func (h *home) makeToken() (string, error) {
	token := rand.Text()
	if err := writeFileAtomic(h.tokenFile(), token+"\n"); err != nil {
		return "", fmt.Errorf("making the private registry's token: %w", err)
	}
	return token, nil
}

// writeFileAtomic writes a file that only this user can read. After a crash, the file is complete or does not exist.
func writeFileAtomic(name, text string) error {
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
