package registry

import (
	"fmt"

	"github.com/distribution/reference"
)

// Addresses returns the servers that serve an image, in order: those of hosts.toml files, else the registry itself. Servers may
// send clients on to others for tokens and layers. Those others are known, and returned, for Docker Hub only.
func (c *Client) Addresses(ref string) ([]string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, fmt.Errorf("reading the reference %q: %w", ref, err)
	}
	hosts, err := c.hostsOf(reference.Domain(named))
	if err != nil {
		return nil, err
	}
	var all []string
	for _, h := range hosts {
		all = append(all, h.Scheme+"://"+h.Host)
		if h.Host == "registry-1.docker.io" {
			all = append(all, hubServers...)
		}
	}
	return all, nil
}

// hubServers are the servers that Docker Hub redirects its clients to: https://docs.docker.com/desktop/setup/allow-list.
var hubServers = []string{"https://auth.docker.io", "https://production.cloudflare.docker.com"}
