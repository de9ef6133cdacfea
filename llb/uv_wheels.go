package llb

// uvRelease is a version of uv in the index: its wheels by architecture, for glibc and for musl: file and SHA-256, as PyPI states it.
type uvRelease struct {
	version string
	wheels  map[string][4]string
}

// uvReleases are the versions of uv that rtbuild knows, the default first, and then the newest first.
var uvReleases = []uvRelease{
	uvReleaseOf("0.11.8", "d97bb2920d6cddc07faa475013461294cc09b77ec8139278416c6e54b938d037",
		"0172b5215544844cd3db0fa3c73a2eb74999b3f00cd2527dde578725076d7b65", "877c9af3b3955a35ef739e5b2ba79c56dae5c4d50420a7ed908c0901e1c8c807"),
	uvReleaseOf("0.13.9", "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
		"2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25", "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe"),
	uvReleaseOf("0.12.24", "e47005957dca320272ad68960b591b854b6bf0c3288368efb096d9ccd06b8404",
		"b6fe9cd01f5c576a640f17829cb465899fffb5d6d8dfdd576e38d4f1e40dd438", "94c9ed22c1b5d6861a72639e23c5707bb07a354b67ec0462e9a0169a9665b5fd"),
}

// uvReleaseOf returns a version with the digests of its wheels: for amd64 with glibc and with musl, and for arm64 with either.
func uvReleaseOf(version, glibc, musl, arm64 string) uvRelease {
	wheel := "uv-" + version + "-py3-none-"
	both := wheel + "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl"
	return uvRelease{version, map[string][4]string{
		"amd64": {wheel + "manylinux_2_17_x86_64.manylinux2014_x86_64.whl", glibc, wheel + "musllinux_1_1_x86_64.whl", musl},
		"arm64": {both, arm64, both, arm64},
	}}
}

// UVVersions returns the versions of uv that installers can take from the index, the default first, and then the newest first.
func UVVersions() []string {
	var all []string
	for _, r := range uvReleases {
		all = append(all, r.version)
	}
	return all
}

// uvWheels returns the wheels of a version of uv. An empty version is the default.
func uvWheels(version string) map[string][4]string {
	for _, r := range uvReleases {
		if r.version == version {
			return r.wheels
		}
	}
	return uvReleases[0].wheels
}

// UVWheels returns the wheels of the uv that installers take from the index by default: the SHA-256 by file name.
func UVWheels(architecture string) map[string]string {
	w := uvWheels("")[architecture]
	return map[string]string{w[0]: w[1], w[2]: w[3]}
}
