package runtimefile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/llb"
)

// setMirrors reads mirrors by address, or by the name of a site, which it replaces by the site's addresses. So a file says the same with
// either, and has the same digest.
func setMirrors(d *document, n *yaml.Node, f *File) error {
	pairs, err := d.mapping(n, "mirrors")
	if err != nil {
		return err
	}
	f.Mirrors = map[string]string{}
	var read []mirror
	for _, p := range pairs {
		m, err := d.mirror(p)
		if err != nil {
			return err
		}
		for _, earlier := range read {
			if earlier.contradicts(m) {
				return d.errorAt(p.key, "remove one of them", "%q and %q are the same server, and have different mirrors", earlier.key, m.key)
			}
		}
		read = append(read, m)
		for _, address := range m.of {
			f.Mirrors[address] = m.address
		}
	}
	return nil
}

// mirror is an entry of mirrors.
type mirror struct {
	key     string
	of      []string // the addresses that it replaces
	isNamed bool     // key is the name of a site
	address string
}

// mirror reads an entry.
func (d *document) mirror(p pair) (mirror, error) {
	m := mirror{key: p.name, of: []string{p.name}}
	var err error
	if m.address, err = d.str(p.value, "a mirror"); err != nil {
		return m, err
	}
	site, isNamed := llb.Sites()[p.name]
	if !isNamed {
		if err := d.check(p.key, nil, checkMirrored(p.name)); err != nil {
			return m, err
		}
	}
	if err := d.check(p.value, nil, checkAddress("mirror", m.address)); err != nil {
		return m, err
	}
	if isNamed {
		m.isNamed, m.of, m.address = true, site.Addresses, site.Mirror(m.address)
	}
	return m, nil
}

// contradicts reports whether a name and an address of its site have different mirrors. Of two addresses, the longer one counts.
func (m mirror) contradicts(other mirror) bool {
	if m.isNamed == other.isNamed || withoutSlash(m.address) == withoutSlash(other.address) {
		return false
	}
	return slices.ContainsFunc(m.of, func(address string) bool {
		return slices.ContainsFunc(other.of, func(o string) bool { return withoutSlash(address) == withoutSlash(o) })
	})
}

func withoutSlash(address string) string { return strings.TrimRight(address, "/") }

// checkMirrored returns an error for a key that is neither a known name nor an address.
func checkMirrored(key string) error {
	if strings.ContainsAny(key, ":/.") {
		return checkAddress("address", key)
	}
	names := slices.Collect(maps.Keys(llb.Sites()))
	hint := ""
	if near, ok := nearest(key, names); ok {
		hint = fmt.Sprintf("did you mean %q? ", near)
	}
	return fmt.Errorf("unknown site %q: %sknown are %s; or write an address, such as https://example.com", key, hint,
		strings.Join(slices.Sorted(slices.Values(names)), ", "))
}
