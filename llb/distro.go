package llb

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// Distro describes a distribution.
type Distro struct {
	ID      string          // os-release's ID
	Like    []string        // os-release's ID_LIKE: the distributions that it descends from, nearest first
	Release string          // os-release's VERSION_CODENAME, else VERSION_ID
	Pretty  string          // os-release's PRETTY_NAME
	Manager *PackageManager // nil if rtbuild knows none, or the base lacks it
	Python  string          // the version of its python3 package, or the beginning of it; empty: unknown
	Libc    Libc            // of the base
}

// pythons are the versions of python3 that releases ship, by codename. Debian keeps a version for good, and Ubuntu does not.
var pythons = map[string]string{
	"bullseye": "3.9.2", "bookworm": "3.11.2", "trixie": "3.13.5",
	"focal": "3.8", "jammy": "3.10", "noble": "3.12", "resolute": "3.14",
}

// DistroError reports that packages must be installed, but the base has no package manager that rtbuild knows.
type DistroError struct {
	Distro   Distro
	Packages []string
}

func (e *DistroError) Error() string {
	return fmt.Sprintf("the base image is %s (os-release ID=%s) and has no package manager that rtbuild knows (apt, apk, dnf, microdnf, yum, "+
		"zypper), but packages must be installed: use a base with one of them, or a base that already has everything, and set packages: []",
		cmp.Or(e.Distro.Pretty, "of no known distribution"), e.Distro.ID)
}

// ParseOSRelease reads an os-release file; see os-release(5).
func ParseOSRelease(data []byte) Distro {
	fields := osRelease(data)
	d := Distro{
		ID: fields["ID"], Like: strings.Fields(fields["ID_LIKE"]),
		Release: cmp.Or(fields["VERSION_CODENAME"], fields["VERSION_ID"], "unknown"),
		Pretty:  cmp.Or(fields["PRETTY_NAME"], fields["ID"]),
	}
	d.Manager = managerOf(append([]string{d.ID}, d.Like...))
	d.Python = pythons[d.Release]
	return d
}

// osRelease returns the fields of an os-release file, unquoted.
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
