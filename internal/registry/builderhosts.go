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

// BuilderHosts returns the settings of buildkitd.toml with which BuildKit reaches registries as this client does. It covers
// the registries in hosts.toml directories and the ones in used. Registries that BuildKit reaches without settings are left
// out. BuilderHosts warns if buildkitd.toml cannot express a setting for a registry in used.
//
// If the hosts.toml of a registry in used cannot be read or has an error, that is an error. For another registry it is a warning.
func (c *Client) BuilderHosts(used ...string) (map[string]config.RegistryConfig, error) {
	all := builderHosts{}
	names := append(c.configuredRegistries(), used...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if name == "" {
			continue
		}
		inUse := slices.Contains(used, name)
		unsupported, err := c.addTo(all, name)
		if err != nil && inUse {
			return nil, err
		}
		if err != nil {
			c.warn(err.Error())
		}
		for _, what := range unsupported {
			if inUse {
				c.warn(fmt.Sprintf("hosts.toml of %s: the private builder ignores %s", name, what))
			}
		}
	}
	return all, nil
}

// addTo adds a registry's hosts to all. It returns the settings that buildkitd.toml cannot express, as texts for a warning.
func (c *Client) addTo(all builderHosts, name string) (unsupported []string, err error) {
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
			unsupported = append(unsupported, "the headers for "+h.Host)
		}
		if last && h.isServerOf(name) {
			all.add(name, h, files.forHost(h, last))
			continue
		}
		if last {
			unsupported = append(unsupported, "the server "+h.Host+" for pushes: it pushes to "+name+", and uses that server as a mirror")
		}
		path, ok := strings.CutPrefix(h.Path, "/v2")
		switch {
		case !h.Capabilities.Has(docker.HostCapabilityPull):
		case !h.Capabilities.Has(docker.HostCapabilityResolve):
			unsupported = append(unsupported, "the mirror "+h.Host+", which may not resolve tags")
		case !ok:
			unsupported = append(unsupported, "the mirror "+h.Host+", because of its path "+h.Path)
		default:
			all.add(h.Host, h, files.forHost(h, last))
			conf := all[name]
			conf.Mirrors = append(conf.Mirrors, h.Host+path)
			all[name] = conf
		}
	}
	return unsupported, nil
}

// configuredRegistries returns the registries that have a directory in the user's or the system's configuration.
func (c *Client) configuredRegistries() []string {
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

// withPort matches the directory of a registry with a port.
var withPort = regexp.MustCompile(`^(.+)_(\d+)_$`)

// isServerOf reports whether a host is the registry itself.
func (h *host) isServerOf(name string) bool {
	return h.Host == name || name == "docker.io" && h.Host == "registry-1.docker.io"
}

// scheme returns the scheme for a host, from hosts.toml or from what transport.detect found.
func (h *host) scheme() string {
	t, ours := h.Client.Transport.(*transport)
	if !ours { // containerd tries both
		return "http"
	}
	return cmp.Or(t.plain.schemeOf(h.Host), h.Scheme)
}

// builderHosts maps the names of registries in references, and the hosts of mirrors, to their settings.
type builderHosts map[string]config.RegistryConfig

// add adds the settings for a host, unless BuildKit's defaults do the same.
func (b builderHosts) add(name string, h *host, files hostFiles) {
	conf := b[name]
	plain := h.scheme() == "http"
	if plain != docker.IsLocalhost(hostname(h.Host)) {
		conf.PlainHTTP = &plain
	}
	if files.SkipVerify {
		conf.Insecure = &files.SkipVerify
	}
	conf.RootCAs = union(conf.RootCAs, files.ca)
	conf.TLSConfigDir = union(conf.TLSConfigDir, files.dirs)
	conf.KeyPairs = union(conf.KeyPairs, files.pairs)
	if conf.PlainHTTP == nil && conf.Insecure == nil && len(conf.RootCAs)+len(conf.TLSConfigDir)+len(conf.KeyPairs)+len(conf.Mirrors) == 0 {
		return
	}
	b[name] = conf
}

// union appends the elements of more that list lacks.
func union[T comparable](list, more []T) []T {
	for _, x := range more {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// hostFiles are the TLS settings for one host. The paths are absolute.
type hostFiles struct {
	CA         any  `toml:"ca"`
	Client     any  `toml:"client"`
	SkipVerify bool `toml:"skip_verify"`

	ca    []string
	pairs []config.TLSKeyPair
	dirs  []string
}

// hostsFile is the part of hosts.toml that containerd's package reads but does not export. That package has checked it.
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
		f.dirs = []string{dir} // Docker's layout, which BuildKit supports
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

// checkHostFiles returns an error for files on which containerd's package would block, such as pipes, or which it would read
// without end. It checks hosts.toml and the certificates and keys that hosts.toml names or that are in its directory.
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
			found, _ := filepath.Glob(filepath.Join(dir, "*."+suffix))
			files = append(files, found...)
		}
	}
	for _, file := range files {
		if err := trust.CheckFile(file, trust.CALimit); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// certificates returns all files of certificates and keys.
func (f *hostFiles) certificates() []string {
	files := slices.Clone(f.ca)
	for _, pair := range f.pairs {
		files = append(files, pair.Certificate, pair.Key)
	}
	return files
}

// forHost returns the settings for a host. Those of the last host are at the top level, not in a table.
func (f *hostsFile) forHost(h *host, last bool) hostFiles {
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

// resolve reads the two fields that have several forms: a file, a list of files, or pairs of files.
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
