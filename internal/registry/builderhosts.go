package registry

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/moby/buildkit/util/resolver/config"
	"github.com/pelletier/go-toml/v2"

	"github.com/rtbuild/rtbuild/internal/trust"
)

// BuilderHosts says in the words of buildkitd.toml how this client reaches registries: those that hosts.toml directories
// tell about, and those that will be used. Nothing is said of a registry that BuildKit reaches by itself. It warns
// of settings that buildkitd.toml cannot express, if the registry will be used.
func (c *Client) BuilderHosts(used ...string) (map[string]config.RegistryConfig, error) {
	all := builderHosts{}
	names := append(c.described(), used...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		inUse := slices.Contains(used, name)
		lost, err := c.addTo(all, name)
		if err != nil && inUse {
			return nil, err
		}
		if err != nil {
			c.warn(err.Error())
		}
		for _, what := range lost {
			if inUse {
				c.warn(fmt.Sprintf("hosts.toml of %s: the private builder cannot have %s", name, what))
			}
		}
	}
	return all, nil
}

// addTo adds a registry's hosts to all. It returns the settings that buildkitd.toml cannot express, in words for a warning.
func (c *Client) addTo(all builderHosts, name string) (lost []string, err error) {
	hosts, err := c.hostsOf(name)
	if err != nil {
		return nil, err
	}
	dir, err := c.hostDir(name)
	if err != nil {
		return nil, err
	}
	files, err := readHostFiles(dir)
	if err != nil {
		return nil, err
	}
	for i, h := range hosts {
		last := i == len(hosts)-1
		if len(h.Header) > 0 {
			lost = append(lost, "headers for "+h.Host)
		}
		if last && h.isServerOf(name) {
			all.add(name, h, files.of(h, last))
			continue
		}
		if last {
			lost = append(lost, "another server: it takes "+h.Host+" as a mirror, and pushes to "+name)
		}
		below, ok := strings.CutPrefix(h.Path, "/v2")
		switch {
		case !h.Capabilities.Has(docker.HostCapabilityPull):
		case !h.Capabilities.Has(docker.HostCapabilityResolve):
			lost = append(lost, "mirror "+h.Host+" for digests only")
		case !ok:
			lost = append(lost, "mirror "+h.Host+" at path "+h.Path)
		default:
			all.add(h.Host, h, files.of(h, last))
			of := all[name]
			of.Mirrors = append(of.Mirrors, h.Host+below)
			all[name] = of
		}
	}
	return lost, nil
}

// described are the registries that have a directory, in the user's or in the system's.
func (c *Client) described() []string {
	var names []string
	for _, root := range append([]string{c.configDir}, systemDirs...) {
		entries, _ := os.ReadDir(root) // hostDir warns
		for _, entry := range entries {
			if entry.Name() != "_default" {
				names = append(names, withPort.ReplaceAllString(entry.Name(), "$1:$2"))
			}
		}
	}
	return names
}

// withPort is the directory of a registry with a port.
var withPort = regexp.MustCompile(`^(.+)_(\d+)_$`)

// isServerOf reports whether a host is the registry itself.
func (h *host) isServerOf(name string) bool {
	return h.Host == name || name == "docker.io" && h.Host == "registry-1.docker.io"
}

// scheme is how a host is spoken to, by what we were told and have found out.
func (h *host) scheme() string {
	t, ours := h.Client.Transport.(*transport)
	if !ours { // containerd tries both
		return "http"
	}
	return cmp.Or(t.plain.known(h.Host), h.Scheme)
}

// builderHosts are registries by the name in references, and mirrors by their host.
type builderHosts map[string]config.RegistryConfig

// add says how a host is reached, if that is not how BuildKit reaches it anyway.
func (b builderHosts) add(name string, h *host, files hostFiles) {
	said := b[name]
	plain := h.scheme() == "http"
	if plain != docker.IsLocalhost(hostname(h.Host)) {
		said.PlainHTTP = &plain
	}
	if files.SkipVerify {
		said.Insecure = &files.SkipVerify
	}
	said.RootCAs = union(said.RootCAs, files.ca)
	said.TLSConfigDir = union(said.TLSConfigDir, files.dirs)
	said.KeyPairs = union(said.KeyPairs, files.pairs)
	if said.PlainHTTP == nil && said.Insecure == nil && len(said.RootCAs)+len(said.TLSConfigDir)+len(said.KeyPairs)+len(said.Mirrors) == 0 {
		return
	}
	b[name] = said
}

// union adds what is not there yet.
func union[T comparable](list, more []T) []T {
	for _, x := range more {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// hostFiles are the files that a directory names for TLS with one host. The paths are absolute.
type hostFiles struct {
	CA         any  `toml:"ca"`
	Client     any  `toml:"client"`
	SkipVerify bool `toml:"skip_verify"`

	ca    []string
	pairs []config.TLSKeyPair
	dirs  []string
}

// hostsFile is the part of hosts.toml that containerd's package reads and does not give away. It has been checked there.
type hostsFile struct {
	hostFiles
	Host map[string]hostFiles `toml:"host"`
}

func readHostFiles(dir string) (*hostsFile, error) {
	f := &hostsFile{}
	if dir == "" {
		return f, nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	data, err := trust.ReadFile(filepath.Join(dir, "hosts.toml"), trust.ConfigLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the registry configuration: %w", err)
	}
	if len(data) == 0 {
		f.dirs = []string{dir} // Docker's layout, which BuildKit knows
		return f, nil
	}
	if err := toml.Unmarshal(data, f); err != nil {
		return nil, fmt.Errorf("reading the registry configuration in %s: %w", dir, err)
	}
	f.resolve(dir)
	for name, files := range f.Host {
		files.resolve(dir)
		f.Host[name] = files
	}
	return f, nil
}

// checkHostFiles refuses what containerd's package would read without end or wait for: it reads hosts.toml, and the certificates and keys
// that this names or that lie beside it.
func checkHostFiles(dir string) error {
	f, err := readHostFiles(dir)
	if err != nil {
		return err
	}
	files := f.certificates()
	for _, host := range f.Host {
		files = append(files, host.certificates()...)
	}
	for _, suffix := range []string{"crt", "cert", "key"} {
		for _, dir := range f.dirs {
			beside, _ := filepath.Glob(filepath.Join(dir, "*."+suffix))
			files = append(files, beside...)
		}
	}
	for _, file := range files {
		if err := trust.CheckFile(file, trust.CALimit); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// certificates are all files of certificates and keys.
func (f *hostFiles) certificates() []string {
	files := slices.Clone(f.ca)
	for _, pair := range f.pairs {
		files = append(files, pair.Certificate, pair.Key)
	}
	return files
}

// of gives the files for a host: the last one's stand outside of the tables.
func (f *hostsFile) of(h *host, last bool) hostFiles {
	if last {
		return f.hostFiles
	}
	for name, files := range f.Host {
		if _, rest, ok := strings.Cut(name, "://"); ok {
			name = rest
		}
		if name, _, _ := strings.Cut(name, "/"); name == h.Host {
			return files
		}
	}
	return hostFiles{}
}

// resolve reads the two fields that have several forms: a file, files, pairs of files.
func (f *hostFiles) resolve(dir string) {
	f.ca = paths(dir, f.CA)
	list, ok := f.Client.([]any)
	if !ok && f.Client != nil {
		list = []any{f.Client}
	}
	for _, one := range list {
		if pair := paths(dir, one); len(pair) > 0 {
			f.pairs = append(f.pairs, config.TLSKeyPair{Certificate: pair[0], Key: pair[len(pair)-1]})
		}
	}
}

func paths(dir string, value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	var files []string
	for _, one := range list {
		if name, ok := one.(string); ok && filepath.IsAbs(name) {
			files = append(files, name)
		} else if ok {
			files = append(files, filepath.Join(dir, name))
		}
	}
	return files
}
