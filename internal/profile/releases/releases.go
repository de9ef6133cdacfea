// Package releases is the pinned downloads that rtbuild itself knows: data. A file's tools: may give another version of them.
package releases

import (
	"slices"

	"github.com/rtbuild/rtbuild/llb"
)

// npmRegistry is the npm registry under the name that yarn gives it. network.mirrors replaces it.
const npmRegistry = "https://registry.yarnpkg.com/"

// github is where projects publish what they build.
const github = "https://github.com/"

// releases are all of them, the newest of a name first. A digest that nobody has checked against the publisher's own word is left out:
// lint reports the tool, and --strict refuses it.
//
// Those of the npm registry were taken from files whose sha512 the registry's metadata confirmed.
var releases = []llb.Tool{
	{
		Name: "node", Version: "24.21.0", Glibc: "2.28",
		URL: npmRegistry + "node-linux-{arch}/-/node-linux-{arch}-{version}.tgz", Arch: nodeArch,
		SHA256: map[string]string{
			"amd64": "61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b",
			"arm64": "fba3076c16d21e5d814577436bdcb782b9b66bed09c6fa8278298e8933288bbb",
		},
	},
	{
		Name: "node", Version: "22.23.3", Glibc: "2.28",
		URL: npmRegistry + "node-linux-{arch}/-/node-linux-{arch}-{version}.tgz", Arch: nodeArch,
		SHA256: map[string]string{
			"amd64": "00b5c43d88958dbbf45339c4d5e9a76289c7e25876fd08270b379e485e151fc5",
			"arm64": "894b9938b215d40b3a38db094ef436d02b3bc7dd16f04fca145a4735cd9e9035",
		},
	},
	{
		Name: "node", Version: "20.20.2", Glibc: "2.28",
		URL: npmRegistry + "node-linux-{arch}/-/node-linux-{arch}-{version}.tgz", Arch: nodeArch,
		SHA256: map[string]string{
			"amd64": "c3e7aaf69557617ff16376e83078daf2e862f086399b32b341f68ebcd5e72781",
			"arm64": "22f39737865492ba68bf7aa0f01f3af5b0ed5d9144b75a0ad52459c32d447998",
		},
	},
	{
		Name: "npm", Version: "11.19.1", URL: npmRegistry + "npm/-/npm-{version}.tgz",
		SHA256: all("9f58bff01604cb1b14008fef14dceb14d836a49225e45c6c2e37de3be3e707f0"),
	},
	{
		Name: "corepack", Version: "0.36.0", URL: npmRegistry + "corepack/-/corepack-{version}.tgz",
		SHA256: all("9128cfe26aee0c99f4fc68c15c6b8b12309a68be0de2c012cdfea2a463cb722f"),
	},
	{
		// As its publisher's own installer (setup-uv) lists them.
		Name: "uv", Version: "0.11.8", Glibc: "2.17",
		URL:  github + "astral-sh/uv/releases/download/{version}/uv-{arch}-unknown-linux-gnu.tar.gz",
		Arch: map[string]string{"amd64": "x86_64", "arm64": "aarch64"},
		SHA256: map[string]string{
			"amd64": "56dd1b66701ecb62fe896abb919444e4b83c5e8645cca953e6ddd496ff8a0feb",
			"arm64": "eee8dd658d20e5ac85fec9c2326b6cbc9d83a1eef09ef07433e58698ac849591",
		},
	},
	{
		// As several projects pin it. It is static, but what it installs is not.
		Name: "micromamba", Version: "2.9.0-0", Glibc: "2.17",
		URL:  github + "mamba-org/micromamba-releases/releases/download/{version}/micromamba-linux-{arch}",
		Arch: map[string]string{"amd64": "64", "arm64": "aarch64"},
		SHA256: map[string]string{
			"amd64": "366cd9cd8be14df1ab8ed50352a82111082a36686b2d389fdb79a92c3fafb3e3",
			"arm64": "9f93b974adcb4d166996af969b6cd371287d1a3e52733704727884d9b74cb7a7",
		},
	},
	{
		Name: "openvscode-server", Version: "1.98.2", Glibc: "2.28",
		URL: github + "gitpod-io/openvscode-server/releases/download/openvscode-server-v{version}/" +
			"openvscode-server-v{version}-linux-{arch}.tar.gz",
		Arch:   map[string]string{"amd64": "x64", "arm64": "arm64", "arm": "armhf"},
		SHA256: unverified("amd64", "arm64", "arm"), Without: "turn the editor off with components: {editor: false}",
	},
	{
		// The key of both its repositories, as several projects pin it. It has no version; the one here is when it was made.
		Name: "docker-apt-key", Version: "2017-02-22", URL: "https://download.docker.com/linux/debian/gpg",
		SHA256: all("1500c1f56fa9e26b9b8f42452a553675796ade0807cdce11975eb98170b3a570"),
	},
}

// nodeArch are Node.js' names of architectures.
var nodeArch = map[string]string{"amd64": "x64", "arm64": "arm64"}

// all is one file for the architectures that images are made for here.
func all(sum string) map[string]string {
	return map[string]string{"amd64": sum, "arm64": sum, "arm": sum}
}

// unverified is a download whose digest is not known for some architectures.
func unverified(architectures ...string) map[string]string {
	sums := map[string]string{}
	for _, arch := range architectures {
		sums[arch] = ""
	}
	return sums
}

// All are the downloads that rtbuild knows, the newest of a name first.
func All() []llb.Tool { return slices.Clone(releases) }

// Find gives the newest release whose version is, or begins with, the one wanted: "22" is the newest whose first number is 22. An empty
// version is any. It reports whether there is one.
func Find(name, version string) (llb.Tool, bool) {
	for _, t := range releases {
		if t.Is(name, version) {
			return t, true
		}
	}
	return llb.Tool{}, false
}

// Names are the names of the downloads, each once.
func Names() []string {
	var names []string
	for _, t := range releases {
		names = append(names, t.Name)
	}
	return slices.Compact(names)
}
