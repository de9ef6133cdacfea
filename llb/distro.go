package llb

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Distro is a distribution, as data.
type Distro struct {
	ID      string // os-release's ID
	Release string // os-release's VERSION_CODENAME
	Pretty  string // os-release's PRETTY_NAME
	Manager string // the package manager
	Python  string // version of its own python3, empty if not known
}

// pythons are the versions of python3 that releases ship.
var pythons = map[string]string{
	"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13",
	"focal": "3.8", "jammy": "3.10", "noble": "3.12", "resolute": "3.14",
}

// DistroError says that a base's distribution is not supported. It names what the base says of itself.
type DistroError struct{ Distro Distro }

func (e *DistroError) Error() string {
	return fmt.Sprintf("the base image is %s (os-release ID=%s), whose package manager rtbuild does not know yet: "+
		"use a base of Debian or Ubuntu", e.Distro.Pretty, e.Distro.ID)
}

// ParseOSRelease reads an os-release file. What is not Debian or Ubuntu, or like them, is a *DistroError.
func ParseOSRelease(data []byte) (Distro, error) {
	fields := osRelease(data)
	d := Distro{ID: fields["ID"], Release: fields["VERSION_CODENAME"], Pretty: fields["PRETTY_NAME"]}
	if d.Pretty == "" {
		d.Pretty = d.ID
	}
	like := append(strings.Fields(fields["ID_LIKE"]), d.ID)
	if !slices.Contains(like, "debian") && !slices.Contains(like, "ubuntu") {
		return d, &DistroError{d}
	}
	if d.Release == "" {
		d.Release = "unknown"
	}
	d.Manager, d.Python = "apt", pythons[d.Release]
	return d, nil
}

// osRelease gives the fields of an os-release file, unquoted: man 5 os-release.
func osRelease(data []byte) map[string]string {
	fields := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		fields[key] = strings.Trim(value, `"'`)
	}
	return fields
}
