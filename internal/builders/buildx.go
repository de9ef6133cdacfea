package builders

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/engine"
	"github.com/rtbuild/rtbuild/internal/trust"
)

// instance is a builder in buildx's files: store/nodegroup.go in buildx.
type instance struct {
	Name   string
	Driver string
	Nodes  []node
}

// node is one daemon of a builder.
type node struct {
	Name       string
	Endpoint   string
	Platforms  []ocispecs.Platform // set by the user; the file does not list the daemon's own
	DriverOpts map[string]string
}

// grammar matches buildx's names. Their files are in lower case.
var grammar = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9.\-_]*$`)

// findBuildx returns the address of a builder of docker buildx. Of several nodes it takes one that can build all platforms; the
// note says which. The error says which builders exist, or why this one cannot be used.
//
// It reads buildx's JSON files itself: buildx's own package depends on the clients of Docker and Kubernetes.
func findBuildx(name string, wanted []ocispecs.Platform) (at Address, note string, err error) {
	dir, err := buildxDir()
	if err != nil {
		return Address{}, "", err
	}
	found, err := readInstance(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		if engine.IsContext(name) { // buildx has no file for the builders of Docker engines
			return Address{Addr: EngineAddress(name)}, "", nil
		}
		return Address{}, "", unknownBuilder(dir, name)
	}
	if err != nil {
		return Address{}, "", err
	}
	n, note, err := found.choose(wanted)
	if err != nil {
		return Address{}, "", err
	}
	at, err = n.address(found)
	return at, note, err
}

// buildxDir returns the directory of buildx's files, by the rules of util/confutil in buildx.
func buildxDir() (string, error) {
	if dir := os.Getenv("BUILDX_CONFIG"); dir != "" {
		return dir, nil
	}
	dir, err := trust.DockerDir()
	return filepath.Join(dir, "buildx"), err
}

// readInstance reads the file of a builder.
func readInstance(dir, name string) (*instance, error) {
	if !grammar.MatchString(name) {
		return nil, fmt.Errorf("invalid builder name %q: it must begin with a letter and contain only letters, digits, '.', '_' and '-'", name)
	}
	file := filepath.Join(dir, "instances", strings.ToLower(name))
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading buildx's builder %s: %w", name, err)
	}
	found := new(instance)
	if err := json.Unmarshal(data, found); err != nil {
		return nil, fmt.Errorf("reading buildx's builder %s from %s: %w; create it again with: docker buildx create --name %s", name, file, err, name)
	}
	return found, nil
}

// Names returns the names of the builders that docker buildx create has made, in lower case as buildx keeps them.
func Names() []string {
	dir, err := buildxDir()
	if err != nil {
		return nil
	}
	return instances(dir)
}

// instances lists the files of builders.
func instances(dir string) []string {
	var names []string
	entries, _ := os.ReadDir(filepath.Join(dir, "instances"))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// unknownBuilder returns the error for a name that is neither a builder of buildx nor a context of docker. It lists the builders that
// exist.
func unknownBuilder(dir, name string) error {
	names := instances(dir)
	known := "there are none in " + dir
	if len(names) > 0 {
		known = "there is " + strings.Join(names, ", ")
	}
	return fmt.Errorf("no builder %q: %s, and docker has no context of this name; create it with: docker buildx create --name %s", name, known, name)
}

// usedBuilder returns the name of the builder that docker buildx use has chosen for the current Docker engine or for all, or "". Its file
// is written by store/store.go in buildx.
func usedBuilder() string {
	dir, err := buildxDir()
	if err != nil {
		return ""
	}
	data, err := os.ReadFile(filepath.Join(dir, "current"))
	if err != nil {
		return ""
	}
	var used struct {
		Key    string
		Name   string
		Global bool
	}
	if json.Unmarshal(data, &used) != nil || used.Name == "" || !used.Global && used.Key != engine.Endpoint() {
		return ""
	}
	if _, err := readInstance(dir, used.Name); errors.Is(err, fs.ErrNotExist) { // removed since
		return ""
	}
	return used.Name
}

// choose returns the first node with all wanted platforms, else the first node, and a note about the choice.
func (i *instance) choose(wanted []ocispecs.Platform) (node, string, error) {
	if len(i.Nodes) == 0 {
		return node{}, "", fmt.Errorf("builder %s has no node: add one with: docker buildx create --append --name %s", i.Name, i.Name)
	}
	if len(i.Nodes) == 1 {
		return i.Nodes[0], "", nil
	}
	for _, n := range i.Nodes {
		if n.builds(wanted) {
			return n, fmt.Sprintf("builder %s has %d nodes: everything is built on %s", i.Name, len(i.Nodes), n.Name), nil
		}
	}
	n := i.Nodes[0]
	return n, fmt.Sprintf("builder %s has %d nodes, none of which lists %s: everything is built on the first, %s; "+
		"to use several nodes, run one solve for each --platform: a tag keeps its other platforms", i.Name, len(i.Nodes), formatAll(wanted), n.Name), nil
}

// builds reports whether the node lists all these platforms.
func (n node) builds(wanted []ocispecs.Platform) bool {
	for _, p := range wanted {
		if !slices.ContainsFunc(n.Platforms, func(has ocispecs.Platform) bool {
			return platforms.OnlyStrict(platforms.Normalize(has)).Match(p)
		}) {
			return false
		}
	}
	return true
}

func formatAll(all []ocispecs.Platform) string {
	var names []string
	for _, p := range all {
		names = append(names, platforms.Format(p))
	}
	return strings.Join(names, ", ")
}

// address returns the node's address, which depends on the builder's driver.
func (n node) address(i *instance) (Address, error) {
	switch i.Driver {
	case "docker-container":
		return n.container(i)
	case "remote":
		o := n.DriverOpts
		return Address{Addr: n.Endpoint, CACert: o["cacert"], Cert: o["cert"], Key: o["key"], ServerName: o["servername"]}, nil
	case "docker":
		return Address{Addr: EngineAddress(n.Endpoint)}, nil
	case "kubernetes":
		return Address{}, fmt.Errorf("builder %s runs in Kubernetes, and rtbuild does not look up its pods: find the pod with kubectl get pods, and give --addr kube-pod://POD?namespace=NAMESPACE", i.Name)
	}
	return Address{}, fmt.Errorf("builder %s has driver %s, which is not supported, unlike docker, docker-container and remote: give the daemon's address with --addr", i.Name, cmp.Or(i.Driver, "none"))
}

// container returns the address of a daemon in a container. buildx's driver/docker-container names the container after the
// node. BuildKit connects through the docker command and the node's context.
func (n node) container(i *instance) (Address, error) {
	at := url.URL{Scheme: "docker-container", Host: "buildx_buildkit_" + n.Name}
	switch {
	case strings.Contains(n.Endpoint, "://"):
		if host := cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"); n.Endpoint != host {
			return Address{}, fmt.Errorf("builder %s runs on the engine at %s: run this with DOCKER_HOST=%s", i.Name, n.Endpoint, n.Endpoint)
		}
	case n.Endpoint != "" && n.Endpoint != "default":
		at.RawQuery = url.Values{"context": {n.Endpoint}}.Encode()
	}
	return Address{Addr: at.String()}, nil
}
