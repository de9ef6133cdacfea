package registry

import (
	"fmt"

	"github.com/distribution/reference"
)

// Addresses gives the servers that are asked for an image, in order: those of hosts.toml files, else the registry itself. Where
// they send their clients, for a token or a layer, is known to them alone, but for Docker Hub.
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

// hubServers are the servers that Docker Hub sends its clients to: https://docs.docker.com/desktop/setup/allow-list.
var hubServers = []string{"https://auth.docker.io", "https://production.cloudflare.docker.com"}
