package embedded

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// fewestIDs is how many subordinate ids a user needs: Debian's images have files of user 65534, and id 0 is mapped to the user.
const fewestIDs = 65534

// host is the machine that the builder runs on. Tests set another root and other directories.
type host struct {
	system string   // the operating system, by Go's name
	root   string   // the parent of /etc and /proc
	path   []string // the directories of programs
	self   string   // the directory of this program
	uid    int
	user   string // the user's name, or the id if it has none
}

func currentHost() *host {
	h := &host{system: runtime.GOOS, root: "/", uid: os.Geteuid(), user: strconv.Itoa(os.Geteuid())}
	if u, err := user.Current(); err == nil {
		h.user = u.Username
	}
	if self, err := os.Executable(); err == nil {
		h.self = filepath.Dir(self)
	}
	h.path = filepath.SplitList(os.Getenv("PATH"))
	// Debian installs runc in a directory that is only in root's PATH.
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if !slices.Contains(h.path, dir) {
			h.path = append(h.path, dir)
		}
	}
	return h
}

// program returns the path of a program, or "".
func (h *host) program(name string) string {
	for _, dir := range h.path {
		if file := filepath.Join(dir, name); filepath.IsAbs(file) && executable(file) {
			return file
		}
	}
	return ""
}

func executable(file string) bool {
	fi, err := os.Stat(file)
	return err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0
}

// buildkitd returns the path of the buildkitd to run, or "".
func (h *host) buildkitd(opt Options) string {
	if named := namedBuildkitd(opt); named != "" {
		if abs, err := filepath.Abs(named); err == nil && executable(abs) {
			return abs
		}
		return ""
	}
	// A build directory contains both programs. make install puts rtbuild's buildkitd outside PATH, where it cannot hide another.
	for _, dir := range []string{".", "../libexec/rtbuild"} {
		if file := filepath.Join(h.self, dir, "buildkitd"); h.self != "" && executable(file) {
			return file
		}
	}
	return h.program("buildkitd")
}

func namedBuildkitd(opt Options) string { return cmp.Or(opt.Buildkitd, os.Getenv(BuildkitdEnv)) }

// read returns a file's lines, or nil if it cannot be read.
func (h *host) read(name string) []string {
	file, err := os.Open(filepath.Join(h.root, name))
	if err != nil {
		return nil
	}
	defer file.Close()
	var lines []string
	for s := bufio.NewScanner(file); s.Scan(); {
		lines = append(lines, s.Text())
	}
	return lines
}

// setting returns the content of a file with one value, or "".
func (h *host) setting(name string) string {
	return strings.TrimSpace(strings.Join(h.read(name), "\n"))
}

// rangeNeed checks the subordinate ids of the user: subuid(5).
func (h *host) rangeNeed(file, flag string) Need {
	n := Need{Name: file}
	ids := 0
	for _, line := range h.read(file) {
		fields := strings.Split(line, ":")
		if len(fields) != 3 || fields[0] != h.user && fields[0] != strconv.Itoa(h.uid) {
			continue
		}
		count, err := strconv.Atoi(fields[2])
		if err == nil {
			ids += count
		}
	}
	n.OK = ids >= fewestIDs
	n.Found = fmt.Sprintf("%d ids for %s", ids, h.user)
	if !n.OK {
		n.Hint = fmt.Sprintf("the user needs 65536 ids there that no other user has: usermod %s 100000-165535 %s", flag, h.user)
	}
	return n
}

// namespaceNeed checks the settings with which distributions disable user namespaces.
func (h *host) namespaceNeed() Need {
	n := Need{Name: "user namespaces"}
	switch {
	case h.setting("/proc/sys/user/max_user_namespaces") == "0":
		n.Hint = "they are disabled: sysctl -w user.max_user_namespaces=28633"
	case h.setting("/proc/sys/kernel/unprivileged_userns_clone") == "0":
		n.Hint = "they are disabled: sysctl -w kernel.unprivileged_userns_clone=1"
	case h.setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" && !h.hasProfile("rootlesskit"):
		n.Hint = "AppArmor restricts them: give rootlesskit a profile with the rule userns in /etc/apparmor.d, " +
			"or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	default:
		n.OK, n.Found = true, "allowed"
	}
	return n
}

func (h *host) hasProfile(program string) bool {
	found, err := filepath.Glob(filepath.Join(h.root, "/etc/apparmor.d", "*"+program+"*"))
	return err == nil && len(found) > 0
}

// capSysAdmin is the bit of the capability to mount: linux/capability.h.
const capSysAdmin = 21

// mountNeed checks that root may mount, which it may not in an unprivileged container.
func (h *host) mountNeed() Need {
	n := Need{Name: "the right to mount"}
	for _, line := range h.read("/proc/self/status") {
		if text, ok := strings.CutPrefix(line, "CapEff:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			n.OK = err == nil && set>>capSysAdmin&1 == 1
		}
	}
	if n.OK {
		n.Found = "CAP_SYS_ADMIN"
	} else {
		n.Hint = "root has no CAP_SYS_ADMIN in this container: run the container with --privileged"
	}
	return n
}

// mountsProc reports whether a user namespace may mount its own /proc, which a sandbox for steps needs. The kernel forbids it if
// other mounts cover parts of the outer /proc, as in most containers.
func (h *host) mountsProc() bool {
	for _, line := range h.read("/proc/self/mountinfo") {
		fields := strings.Fields(line)
		if len(fields) > 4 && strings.HasPrefix(fields[4], "/proc/") && fields[4] != "/proc/sys/fs/binfmt_misc" {
			return false
		}
	}
	return true
}
