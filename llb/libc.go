package llb

import (
	"regexp"
	"strconv"
	"strings"
)

// Libc is the C library of a base. It decides whether a program that was built elsewhere runs there. The zero value means unknown.
type Libc struct {
	Musl    bool
	Version string // glibc's, "2.36"
}

func (l Libc) String() string {
	if l.Musl {
		return "musl"
	}
	return "glibc " + l.Version
}

// glibcBanner matches the version text that every libc.so.6 contains.
var glibcBanner = regexp.MustCompile(`GNU C Library [^\n]*version ([0-9]+\.[0-9]+)`)

// ParseGlibc returns the version that the bytes of a libc.so.6 contain, or the zero value if they contain none.
func ParseGlibc(data []byte) Libc {
	if m := glibcBanner.FindSubmatch(data); m != nil {
		return Libc{Version: string(m[1])}
	}
	return Libc{}
}

// runs reports whether a program that needs a glibc version runs on the library. An unknown library is assumed to run it.
func (l Libc) runs(needs string) bool {
	switch {
	case needs == "" || l == Libc{}:
		return true
	case l.Musl:
		return false
	}
	has, want := strings.Split(l.Version, "."), strings.Split(needs, ".")
	for i := range want {
		if i == len(has) {
			return false
		}
		h, _ := strconv.Atoi(has[i])
		if w, _ := strconv.Atoi(want[i]); h != w {
			return h > w
		}
	}
	return true
}
