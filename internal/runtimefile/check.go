package runtimefile

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/rtbuild/rtbuild/internal/redact"
)

// Values that go into scripts and paths have deliberately narrow forms, although llb quotes all of them.
var (
	oneLine          = regexp.MustCompile(`^[^\r\n]*[^\s][^\r\n]*$`)
	distributionName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	versionPrefix    = regexp.MustCompile(`^[0-9]+(\.[0-9]+){0,3}$`)
	userName         = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	packageName      = regexp.MustCompile(`^[A-Za-z0-9@][A-Za-z0-9.+_:~=@/-]*$`)
	fileWord         = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
	relative         = regexp.MustCompile(`^[A-Za-z0-9._+][A-Za-z0-9._+/-]*$`)
	prefixForm       = regexp.MustCompile(`^(/[A-Za-z0-9_+][A-Za-z0-9._+-]*)+$`)
)

// CheckBase returns an error unless text is a reference of an image, by the grammar of distribution/reference.
func CheckBase(text string) error {
	if _, err := reference.ParseNormalizedNamed(text); err != nil {
		return fmt.Errorf("base image %q: %w: write it as [REGISTRY[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case", text, err)
	}
	return nil
}

var errTagged = errors.New("it has a tag or a digest")

// CheckRepository returns an error unless text is the name of a repository.
func CheckRepository(text string) error {
	named, err := reference.ParseNormalizedNamed(text)
	if err == nil && !reference.IsNameOnly(named) {
		err = errTagged
	}
	if err != nil {
		return fmt.Errorf("repository %q: %w: write it as [REGISTRY[:PORT]/]NAME, in lower case, without a tag", text, err)
	}
	return nil
}

// Directories that cannot hold the runtime: those of the system, and those that many systems mount over or make
// links.
var (
	systemDirs = strings.Fields("/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /libx32 /media /mnt /opt /proc /root /run " +
		"/sbin /srv /sys /tmp /usr /usr/bin /usr/include /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/local /usr/local/bin " +
		"/usr/local/lib /usr/local/share /usr/sbin /usr/share /usr/src /var /var/cache /var/lib /var/log")
	volatileDirs = strings.Fields("/bin /boot /dev /lib /lib32 /lib64 /libx32 /proc /run /sbin /sys /tmp /var/run /var/tmp")
)

func checkPrefix(prefix string) error {
	if isWindowsPath(prefix) {
		return errWindows("prefix", prefix)
	}
	if prefix != "/" && !prefixForm.MatchString(prefix) {
		return fmt.Errorf("prefix %q is not valid: it must be an absolute path of letters, digits, ., _, + and -", prefix)
	}
	below := func(dir string) bool { return strings.HasPrefix(prefix, dir+"/") }
	if slices.Contains(systemDirs, prefix) || slices.ContainsFunc(volatileDirs, below) {
		return fmt.Errorf("prefix %q belongs to the system: choose a separate directory, such as /agent or /opt/agent", prefix)
	}
	return nil
}

func checkWorkdir(dir string) error {
	if isWindowsPath(dir) {
		return errWindows("workdir", dir)
	}
	if !path.IsAbs(dir) || path.Clean(dir) != dir || strings.ContainsAny(dir, "\n\r") {
		return fmt.Errorf("workdir %q is not valid: it must be an absolute path without . and .. in it", dir)
	}
	return nil
}

// windowsForm matches a drive at the beginning of a path, and backslashes.
var windowsForm = regexp.MustCompile(`^[A-Za-z]:([/\\]|$)|\\`)

// isWindowsPath reports whether a path is written for Windows. No project needs a backslash in a name.
func isWindowsPath(p string) bool { return windowsForm.MatchString(p) }

// errWindows is the error for a path in the image that is written for Windows.
func errWindows(what, p string) error {
	return fmt.Errorf("%s %q is a path of Windows: the image is one of Linux, where paths begin with / and are written with /", what, p)
}

// checkRelative returns an error unless a path stays inside the directory that it is relative to.
func checkRelative(what, p string) error {
	switch {
	case p == "":
		return fmt.Errorf("%s is empty: write . for the context itself", what)
	case isWindowsPath(p):
		return fmt.Errorf("%s %q is a path of Windows: write it with / and relative, as in src/app", what, p)
	case strings.ContainsAny(p, "\n\r"):
		return fmt.Errorf("%s %q is not valid: write it in one line", what, p)
	case !fs.ValidPath(path.Clean(p)):
		return fmt.Errorf("%s %q is not valid: it must be relative and stay inside", what, p)
	}
	return nil
}

func checkLockFile(p string) error {
	if isWindowsPath(p) {
		return checkRelative("dependency file", p)
	}
	if !relative.MatchString(strings.ReplaceAll(p, "@", "_")) || !fs.ValidPath(p) || p == "." {
		return fmt.Errorf("dependency file %q is not valid: it must be a path relative to the context, of letters, digits, ., _, @, + and -", p)
	}
	return nil
}

// urlForm matches the characters of RFC 3986. A % must precede two hexadecimal digits.
var urlForm = regexp.MustCompile(`^([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*`)

// checkAddress returns an error unless text is the beginning of a URL that can be fetched. It refuses passwords, because the image's
// history would show them.
func checkAddress(what, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", strings.ContainsAny(text, " \t\r\n"):
		return fmt.Errorf("%s %q is not valid: it must begin with https:// or http:// and a host", what, redact.URL(text))
	case urlForm.FindString(text) != text:
		rest := []rune(text[len(urlForm.FindString(text)):])
		return fmt.Errorf("%s %q is not valid: write %q as %% and two hexadecimal digits", what, redact.URL(text), string(rest[0]))
	case u.User != nil:
		return fmt.Errorf("%s of %s holds a user or password, which the image would show: leave it out", what, u.Host)
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}?`)

// checkDownload returns an error unless text is a URL with known placeholders.
func checkDownload(text string) error {
	for _, p := range placeholder.FindAllString(text, -1) {
		if p != "{version}" && p != "{arch}" {
			return fmt.Errorf("url %q has an unknown placeholder %s: known are {version} and {arch}", redact.URL(text), p)
		}
	}
	return checkAddress("url", placeholder.ReplaceAllString(text, "x"))
}
