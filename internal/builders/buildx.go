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

	"github.com/rtbuild/rtbuild/internal/trust"
)

// instance is a builder as buildx's store/nodegroup.go writes it.
type instance struct {
	Name   string
	Driver string
	Nodes  []node
}

// node is one of the builder's daemons.
type node struct {
	Name       string
	Endpoint   string
	Platforms  []ocispecs.Platform // those that the user has named; what the daemon knows itself is not kept
	DriverOpts map[string]string
}

// grammar is that of buildx's names. Their files are in lower case.
var grammar = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9.\-_]*$`)

// findBuildx finds the builder that docker buildx create has made under a name. Of several nodes it takes one that can build for all
// platforms; the note says which. The error says which builders there are, or why this one cannot be used.
//
// It reads buildx's files, which are JSON, itself: buildx's own package would bring Docker's and Kubernetes' clients along.
func findBuildx(name string, wanted []ocispecs.Platform) (at Address, note string, err error) {
	dir, err := buildxDir()
	if err != nil {
		return Address{}, "", err
	}
	found, err := readInstance(dir, name)
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

// buildxDir returns the directory of buildx's files, as buildx's util/confutil has it.
func buildxDir() (string, error) {
	if dir := os.Getenv("BUILDX_CONFIG"); dir != "" {
		return dir, nil
	}
	dir, err := trust.DockerDir()
	return filepath.Join(dir, "buildx"), err
}

// readInstance reads a builder by its name.
func readInstance(dir, name string) (*instance, error) {
	if !grammar.MatchString(name) {
		return nil, fmt.Errorf("invalid builder name %q: it begins with a letter, and . _ - may follow beside letters and digits", name)
	}
	file := filepath.Join(dir, "instances", strings.ToLower(name))
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unknown(dir, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading buildx's builder %s: %w", name, err)
	}
	found := new(instance)
	if err := json.Unmarshal(data, found); err != nil {
		return nil, fmt.Errorf("reading buildx's builder %s from %s: %w; create it again with: docker buildx create --name %s", name, file, err, name)
	}
	return found, nil
}

// unknown says which builders there are. The Docker engine's own builder has no file; it has the name of the engine's context, which is
// "default" at first.
func unknown(dir, name string) error {
	if name == "default" || name == "desktop-linux" {
		return refuseEngine(name)
	}
	var names []string
	entries, _ := os.ReadDir(filepath.Join(dir, "instances"))
	for _, e := range entries {
		names = append(names, e.Name())
	}
	there := "there are none in " + dir
	if len(names) > 0 {
		there = "there is " + strings.Join(names, ", ")
	}
	return fmt.Errorf("no builder %q: %s; create it with: docker buildx create --name %s", name, there, name)
}

// refuseEngine says why the builder inside of the Docker engine is refused.
func refuseEngine(name string) error {
	return fmt.Errorf("builder %s is the Docker engine's own (driver docker), which cannot merge layers that it has not pulled, nor run our build; "+
		"create one that can with: docker buildx create --name rtbuild --bootstrap, and give --builder rtbuild", name)
}

// choose returns the node whose platforms fit, else the first one, and what the user should know of that.
func (i *instance) choose(wanted []ocispecs.Platform) (node, string, error) {
	if len(i.Nodes) == 0 {
		return node{}, "", fmt.Errorf("builder %s has no node: add one with: docker buildx create --append --name %s", i.Name, i.Name)
	}
	if len(i.Nodes) == 1 {
		return i.Nodes[0], "", nil
	}
	for _, n := range i.Nodes {
		if n.fits(wanted) {
			return n, fmt.Sprintf("builder %s has %d nodes: all is built on %s", i.Name, len(i.Nodes), n.Name), nil
		}
	}
	n := i.Nodes[0]
	return n, fmt.Sprintf("builder %s has %d nodes, none of which names %s: all is built on the first, %s; "+
		"to use several, run a solve for each --platform: a tag keeps what it holds for others", i.Name, len(i.Nodes), formatAll(wanted), n.Name), nil
}

// fits reports whether the node is known to build for all these platforms.
func (n node) fits(wanted []ocispecs.Platform) bool {
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

// address says how the node is reached. That depends on the builder's driver.
func (n node) address(of *instance) (Address, error) {
	switch of.Driver {
	case "docker-container":
		return n.container(of)
	case "remote":
		o := n.DriverOpts
		return Address{Addr: n.Endpoint, CACert: o["cacert"], Cert: o["cert"], Key: o["key"], ServerName: o["servername"]}, nil
	case "docker":
		return Address{}, refuseEngine(of.Name)
	case "kubernetes":
		return Address{}, fmt.Errorf("builder %s runs in Kubernetes, whose pods buildx looks up itself: find the pod with kubectl get pods, and give --addr kube-pod://POD?namespace=NAMESPACE", of.Name)
	}
	return Address{}, fmt.Errorf("builder %s has driver %s, which is not supported: docker-container and remote are; give the daemon's address with --addr", of.Name, cmp.Or(of.Driver, "none"))
}

// container returns the address of a daemon in a container, which buildx's driver/docker-container names after the node. BuildKit reaches
// it through the docker command and the node's context.
func (n node) container(of *instance) (Address, error) {
	at := url.URL{Scheme: "docker-container", Host: "buildx_buildkit_" + n.Name}
	switch {
	case strings.Contains(n.Endpoint, "://"):
		if host := cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"); n.Endpoint != host {
			return Address{}, fmt.Errorf("builder %s runs on the engine at %s: run this with DOCKER_HOST=%s", of.Name, n.Endpoint, n.Endpoint)
		}
	case n.Endpoint != "" && n.Endpoint != "default":
		at.RawQuery = url.Values{"context": {n.Endpoint}}.Encode()
	}
	return Address{Addr: at.String()}, nil
}
