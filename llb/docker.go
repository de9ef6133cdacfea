package llb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// dockerPackages are the packages of Docker Engine: on Debian and Ubuntu from Docker's own repository, elsewhere from the distribution's.
var dockerPackages = packageNames{
	apt:    "docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin",
	apk:    "docker docker-cli-buildx docker-cli-compose",
	dnf:    "docker docker-buildx docker-compose",
	zypper: "docker docker-buildx docker-compose",
}

// dockerRepository is the address of Docker's package repositories.
const dockerRepository = DockerDownloads + "/linux/"

// DockerEngine installs Docker Engine, for agents that start containers.
type DockerEngine struct {
	NotOn []string // skip it on base images whose name contains one of these: their containers use a Docker from outside
}

func (d DockerEngine) layers(g *Graph) (Layers, error) {
	off := slices.ContainsFunc(d.NotOn, func(name string) bool { return strings.Contains(g.Runtime.Base, name) })
	if off || g.Runtime.NoPackages || g.Distro.Manager == nil {
		return nil, nil
	}
	what := installation{
		title: "install Docker Engine", field: "components", packages: dockerPackages.of(g.Distro.Manager.Name),
		// Nested containers often run behind networks with a smaller MTU.
		after: "install -d -m 0755 /etc/docker\nprintf '%s\\n' '{\"mtu\": 1450}' > /etc/docker/daemon.json\n",
	}
	if g.Distro.Manager.Name != "apt" {
		return Layers{g.install(what)}, nil
	}
	return g.dockerCE(what)
}

// dockerCE installs Docker Engine from Docker's own apt repository.
func (g *Graph) dockerCE(what installation) (Layers, error) {
	key, err := g.release("docker-apt-key", "", "components")
	if err != nil {
		return nil, err
	}
	repository := dockerRepository + "debian"
	if g.Distro.ID == "ubuntu" || slices.Contains(g.Distro.Like, "ubuntu") {
		repository = dockerRepository + "ubuntu"
	}
	const keyring = "/etc/apt/keyrings/docker.asc"
	entry := fmt.Sprintf("deb [arch=%s signed-by=%s] %s %s stable\n", g.Platform.Architecture, keyring, repository, g.Distro.Release)
	what.before = fmt.Sprintf("install -d -m 0755 /etc/apt/keyrings\ninstall -m 0644 %s/docker-apt-key %s\n", inputs, keyring) +
		writeFile("/etc/apt/sources.list.d/docker.list", entry)
	what.from = []string{repository}
	what.opts = append(what.opts, mountLazily(inputs, func() llb.State { return g.state(key) }))
	return Layers{g.install(what).withDownload(key)}, nil
}
