package llb

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Addresses of public servers. The others stand beside the steps that need them. None is written a second time.
const (
	GitHub          = "https://github.com"
	DockerDownloads = "https://download.docker.com" // Docker's package repositories and their keys
	NPMRegistry     = npmRegistry

	npmDefault  = "https://registry.npmjs.org"                   // the registry that npm asks unless it is told another
	githubFiles = "https://release-assets.githubusercontent.com" // where GitHub redirects downloads of release files
)

// Site is a public site that a runtime file may call by a name in network.mirrors.
type Site struct {
	Addresses []string // what the name stands for; one mirror replaces all of them
	Ending    string   // what a mirror's address may end in; it is not part of what replaces Addresses
}

// sites are the known sites. The name pypi stands for the index alone: the pages of an index say where its files are.
var sites = map[string]Site{
	"conda-forge": {Addresses: []string{condaForge}},
	"docker":      {Addresses: []string{DockerDownloads}},
	"github":      {Addresses: []string{GitHub}},
	"npm":         {Addresses: []string{npmDefault, NPMRegistry}},
	"playwright":  {Addresses: []string{playwrightHost}},
	"pypi":        {Addresses: []string{PyPI}, Ending: "/simple"},
	"python":      {Addresses: []string{PythonBuilds}},
}

// Mirror returns what replaces the site's addresses if a user gives the address of a mirror: the address without a slash at the end, and
// without Ending.
func (s Site) Mirror(address string) string {
	address = strings.TrimRight(address, "/")
	if short := strings.TrimSuffix(address, s.Ending); !strings.HasSuffix(short, "/") { // else it was a host's name
		return short
	}
	return address
}

// Sites returns the sites that have a name, by name.
func Sites() map[string]Site { return maps.Clone(sites) }

func (g *Graph) mirrored(url string) string { return g.Runtime.Mirrored(url) }

// endpoints returns addresses after mirrors. For GitHub it adds the host to which GitHub redirects.
func (g *Graph) endpoints(urls ...string) []string {
	var all []string
	for _, url := range urls {
		all = append(all, g.mirrored(url))
		if strings.HasPrefix(all[len(all)-1], GitHub+"/") {
			all = append(all, githubFiles)
		}
	}
	return all
}

// mirrorScript returns sed commands that replace the given addresses in a text by their mirrors, longest first, or "" if none has a mirror.
// Mirrors of other addresses are left out, because they would change the step's cache key.
func (g *Graph) mirrorScript(addresses ...string) string {
	prefixes := slices.SortedFunc(maps.Keys(g.Runtime.Mirrors), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	prefixes = slices.DeleteFunc(prefixes, func(prefix string) bool {
		return !slices.ContainsFunc(addresses, func(address string) bool {
			return strings.HasPrefix(address, prefix) || strings.HasPrefix(prefix, address)
		})
	})
	var script strings.Builder
	for _, prefix := range prefixes {
		script.WriteString(sedReplace(prefix, g.Runtime.Mirrors[prefix]) + "\n")
	}
	return script.String()
}
