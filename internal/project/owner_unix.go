//go:build unix

package project

import (
	"os"
	"strconv"
	"syscall"
)

// ownedByUser reports whether a file belongs to the user of this process. Under sudo, the user who called that counts, too, as in git's
// safe.directory.
func ownedByUser(name string) bool {
	info, err := os.Lstat(name)
	if err != nil {
		return false
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return false
	}
	uid, own := strconv.FormatUint(uint64(owner.Uid), 10), os.Geteuid()
	return uid == strconv.Itoa(own) || own == 0 && uid == os.Getenv("SUDO_UID")
}
