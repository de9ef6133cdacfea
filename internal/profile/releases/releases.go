// Package releases lists, as data, the pinned downloads that rtbuild knows. The field tools of a runtime file may set other versions.
package releases

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/llb"
)

// npmRegistry is the npm registry, under the name that yarn uses. network.mirrors can replace it.
const npmRegistry = llb.NPMRegistry + "/"

// github is the host of most projects' releases.
const github = llb.GitHub + "/"

// releases are all downloads, the newest version of a name first. A digest is omitted if nobody has verified it against the publisher's own
// statement. Then lint reports the tool, and --strict refuses it.
//
// The digests of files from the npm registry were computed from files whose sha512 matched the registry's metadata.
var releases = []llb.Tool{
	{
		Name: "node", Version: "26.12.1", Glibc: "2.28",
		URL: npmRegistry + "node-linux-{arch}/-/node-linux-{arch}-{version}.tgz", Arch: nodeArch,
		SHA256: map[string]string{
			"amd64": "3b4ab032e6480353cf8b201df76083a98776384193cbf52de4ecd3d8edd49fdc",
			"arm64": "9170c05908659a7c7ac137f74efe054573226395f8b68548963d48c8dead6496",
		},
	},
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
		Name: "pnpm", Version: "12.21.0", Glibc: "2.18", URL: npmRegistry + "@pnpm/exe.linux-{arch}/-/exe.linux-{arch}-{version}.tgz",
		Arch: nodeArch,
		SHA256: map[string]string{
			"amd64": "5e853227a4fa387a95cf6f61400a83d1fc7e3164943c00e275f8756b75939de2",
			"arm64": "0726f98c09f0f0fe6fb91e376c4d3e7793a544c1f1ec3e20baaeb2bb91c47e1f",
		},
	},
	{
		Name: "pnpm", Version: "11.28.11", URL: npmRegistry + "pnpm/-/pnpm-{version}.tgz",
		SHA256: all("503ca17f40400740765635d01f6fa7d932efe533604d6f6fe73bd8b489e73ebb"),
	},
	{
		Name: "pnpm", Version: "10.34.9", URL: npmRegistry + "pnpm/-/pnpm-{version}.tgz",
		SHA256: all("7e8a946108e7baab119e51d27c24d6178b46545422643dbc91e34e2f1ee32e0f"),
	},
	{
		Name: "pnpm", Version: "9.15.9", URL: npmRegistry + "pnpm/-/pnpm-{version}.tgz",
		SHA256: all("cf86a7ad764406395d4286a6d09d730711720acc6d93e9dce9ac7ac4dc4a28a7"),
	},
	{
		Name: "pnpm", Version: "8.15.9", URL: npmRegistry + "pnpm/-/pnpm-{version}.tgz",
		SHA256: all("daa27a0b541bc635323ff96c2ded995467ff9fe6d69ff67021558aa9ad9dcc36"),
	},
	{
		Name: "yarn", Version: "4.18.1", URL: npmRegistry + "@yarnpkg/cli-dist/-/cli-dist-{version}.tgz",
		SHA256: all("f6729593ad4c17784e3d4ade53b3ed684e3dba3af5adb9bebe21bb854fe0b153"),
	},
	{
		Name: "yarn", Version: "4.14.1", URL: npmRegistry + "@yarnpkg/cli-dist/-/cli-dist-{version}.tgz",
		SHA256: all("050441cd452e222ec1b8409415174e81a15a1e8ca5d76236c89f1a4cc9984bcb"),
	},
	{
		Name: "yarn", Version: "4.13.0", URL: npmRegistry + "@yarnpkg/cli-dist/-/cli-dist-{version}.tgz",
		SHA256: all("7dce807938c446bf520799cb9d653b981c39d63618decc0736a4d06803ceb239"),
	},
	{
		Name: "yarn", Version: "3.8.7", URL: npmRegistry + "@yarnpkg/cli-dist/-/cli-dist-{version}.tgz",
		SHA256: all("fc06b5df6ee5f43580f7b786cf4bdfcd6de4108827ba7cf85776608b3ab34207"),
	},
	{
		Name: "yarn", Version: "1.22.22", URL: npmRegistry + "yarn/-/yarn-{version}.tgz",
		SHA256: all("c17d3797fb9a9115bf375e31bfd30058cac6bc9c3b8807a3d8cb2094794b51ca"),
	},
	{
		Name: "bun", Version: "1.4.5", Glibc: "2.17", URL: npmRegistry + "@oven/bun-linux-{arch}/-/bun-linux-{arch}-{version}.tgz",
		Arch: map[string]string{"amd64": "x64", "arm64": "aarch64"},
		SHA256: map[string]string{
			"amd64": "0c72edca57b0cbf0a07a242daf0ea8ea96711827f042b80a1c383ce1cc51c771",
			"arm64": "c3cd56594c9d5d025df87f77c68ad4699a49b52551f0f3232be6f727533fe08c",
		},
	},
	{
		// Digests from the publisher's own installer (setup-uv).
		Name: "uv", Version: "0.11.8", Glibc: "2.17",
		URL:  github + "astral-sh/uv/releases/download/{version}/uv-{arch}-unknown-linux-gnu.tar.gz",
		Arch: machine,
		SHA256: map[string]string{
			"amd64": "56dd1b66701ecb62fe896abb919444e4b83c5e8645cca953e6ddd496ff8a0feb",
			"arm64": "eee8dd658d20e5ac85fec9c2326b6cbc9d83a1eef09ef07433e58698ac849591",
		},
	},
	{
		// Digests of these builds from the list of uv 0.13.9 ("download-metadata.json" in its source distribution).
		Name: "python", Version: "3.15.2+20261110", Glibc: "2.17", URL: pythonBuild, Arch: machine, Without: pythonImage,
		SHA256: map[string]string{
			"amd64": "ad23d1b73fac26440b0306ae06911031344c49a90ec19716c8362e7fa40cae43",
			"arm64": "d1367a6c3cd86a9e35712072841f1376859f3b47a2a54e224421a0f9fd169047",
		},
	},
	{
		Name: "python", Version: "3.14.10+20261110", Glibc: "2.17", URL: pythonBuild, Arch: machine, Without: pythonImage,
		SHA256: map[string]string{
			"amd64": "c2ff2e97422f5d3896a16e0317fd212ba977bbf2688d93a6f7a03d817506bd30",
			"arm64": "38fd50f07170adc29d481913d1c30b17ecb538fbe290315fe1f83d84fdd5b694",
		},
	},
	{
		Name: "python", Version: "3.13.18+20261110", Glibc: "2.17", URL: pythonBuild, Arch: machine, Without: pythonImage,
		SHA256: map[string]string{
			"amd64": "f2d2199eb25880e07863b391cf7124e7ffa1338b0d65600dfcec117c4223a7fb",
			"arm64": "55c00325f7c1fddf325dfc621aabdfbbac4dc54adda224af88ec411dc12db239",
		},
	},
	{
		Name: "python", Version: "3.12.16+20261110", Glibc: "2.17", URL: pythonBuild, Arch: machine, Without: pythonImage,
		SHA256: map[string]string{
			"amd64": "6a9e62dad033790aef722dbd370e0ce76ce17b73627ba3ae679f537049350b39",
			"arm64": "b6a41defec4975d94b4ff1950236e7383e5c02ba40ea48c9ec33c66087a35aab",
		},
	},
	{
		Name: "python", Version: "3.11.18+20261110", Glibc: "2.17", URL: pythonBuild, Arch: machine, Without: pythonImage,
		SHA256: map[string]string{
			"amd64": "3288c54cea3db350052019b3f8b558dd8a3da8afa6fda573f5fd2bcb37635b4a",
			"arm64": "7e71f26a003949b57757e287f4f4b6689da07e7a229f5bbee7919c19ed77155d",
		},
	},
	{
		Name: "python", Version: "3.10.22+20261009", Glibc: "2.17", URL: pythonBuild, Arch: machine, Without: pythonImage,
		SHA256: map[string]string{
			"amd64": "caa66b308e10f35b8114054df7d927903f971f631cfa3237b84c40d5d5f35549",
			"arm64": "ecbe978a7ecbeb3a9aed67bb5d161180701513b4fa8101037b2a3f1ac11e96be",
		},
	},
	{
		// Digests as several projects pin them. The program is static, but the packages that it installs are not.
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
		// The key of both repositories; digest as several projects pin it. It has no version; this is its creation date.
		Name: "docker-apt-key", Version: "2017-02-22", URL: llb.DockerDownloads + "/linux/debian/gpg",
		SHA256: all("1500c1f56fa9e26b9b8f42452a553675796ade0807cdce11975eb98170b3a570"),
	},
}

// pythonBuild is the address of a build of python-build-standalone.
const pythonBuild = llb.PythonBuilds + "/{build}/cpython-{version}-{arch}-unknown-linux-gnu-install_only_stripped.tar.gz"

// pythonImage says how to do without a build.
const pythonImage = "one that includes a Python that fits, such as python:3.13-alpine"

// machine maps OCI's architectures to the kernel's names.
var machine = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// nodeArch maps OCI's architectures to Node.js's names.
var nodeArch = map[string]string{"amd64": "x64", "arm64": "arm64"}

// all returns one digest for all architectures.
func all(sum string) map[string]string {
	return map[string]string{"amd64": sum, "arm64": sum, "arm": sum}
}

// unverified returns empty digests for architectures.
func unverified(architectures ...string) map[string]string {
	sums := map[string]string{}
	for _, arch := range architectures {
		sums[arch] = ""
	}
	return sums
}

// All returns the downloads that rtbuild knows, the newest version of a name first.
func All() []llb.Tool { return slices.Clone(releases) }

// Find returns the newest release that satisfies a version, and reports whether there is one: "22" is satisfied by 22.1.0. Any version
// satisfies an empty one.
func Find(name, version string) (llb.Tool, bool) {
	for _, t := range releases {
		if t.Is(name, version) {
			return t, true
		}
	}
	return llb.Tool{}, false
}

// Like returns the release whose address fits another version of it, and reports whether there is one: the newest whose first number is no
// higher, or else the oldest. Some programs have moved on the npm registry.
func Like(name, version string) (llb.Tool, bool) {
	var like llb.Tool
	for _, t := range releases {
		if t.Name != name {
			continue
		}
		like = t
		if first(t.Version) <= first(version) {
			break
		}
	}
	return like, like.Name != ""
}

// first returns the first number of a version, or 0 if it does not begin with one.
func first(version string) int {
	text, _, _ := strings.Cut(version, ".")
	number, _ := strconv.Atoi(text) // 0 for another word
	return number
}

// Names returns the names of the downloads, each once.
func Names() []string {
	var names []string
	for _, t := range releases {
		names = append(names, t.Name)
	}
	return slices.Compact(names)
}
