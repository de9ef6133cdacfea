package llb

import (
	"maps"
	"slices"
	"strings"
)

// packageNames is what one thing is called by each package manager. Empty is: it has none, or needs none.
type packageNames struct{ apt, apk, dnf, zypper string }

func (n packageNames) of(manager string) []string {
	return strings.Fields(map[string]string{"apt": n.apt, "apk": n.apk, "dnf": n.dnf, "zypper": n.zypper}[manager])
}

// same is what all package managers call alike.
func same(names string) packageNames { return packageNames{names, names, names, names} }

// openhandsPackages are those of the profile openhands, by the component that needs them; "" is for every image.
var openhandsPackages = map[string][]packageNames{
	"": {
		same("bash ca-certificates coreutils curl findutils git grep jq ripgrep sed sudo tmux util-linux wget"),
		{"build-essential", "build-base", "gcc gcc-c++ make", "gcc gcc-c++ make"},
		{"ffmpeg", "ffmpeg", "ffmpeg-free", "ffmpeg"},
		{"procps", "procps", "procps-ng", "procps"},
		{"passwd", "", "passwd", ""},
		{"gnupg", "gnupg", "gnupg2", "gpg2"},
		{"libasound2-plugins", "alsa-plugins-pulse", "alsa-plugins-pulseaudio", "alsa-plugins-pulse"},
		{"libatomic1", "libatomic", "libatomic", "libatomic1"},
		{"libgl1|libgl1-mesa-glx", "mesa-gl", "mesa-libGL", "Mesa-libGL1"},
		{apt: "apt-transport-https apt-utils lsb-release"},
	},
	"browser": {
		{"libnss3 libnspr4", "nss nspr", "nss nspr", "mozilla-nss mozilla-nspr"},
		{"libatk-bridge2.0-0", "at-spi2-core", "at-spi2-atk", "libatk-bridge-2_0-0"},
		{"libdrm2", "libdrm", "libdrm", "libdrm2"},
		{"libxkbcommon0", "libxkbcommon", "libxkbcommon", "libxkbcommon0"},
		{"libxcomposite1", "libxcomposite", "libXcomposite", "libXcomposite1"},
		{"libxdamage1", "libxdamage", "libXdamage", "libXdamage1"},
		{"libxrandr2", "libxrandr", "libXrandr", "libXrandr2"},
		{"libgbm1", "mesa-gbm", "mesa-libgbm", "libgbm1"},
		{"libxss1", "libxscrnsaver", "libXScrnSaver", "libXss1"},
		{"libasound2t64|libasound2", "alsa-lib", "alsa-lib", "libasound2"},
	},
}

// ubuntuPackages are those that the profile openhands has on Ubuntu besides.
const ubuntuPackages = "python-is-python3 python3 python3-pip python3-venv"

// pythonPackages are a distribution's own Python with the module venv.
var pythonPackages = packageNames{"python3 python3-venv", "python3", "python3", "python3"}

// packages are the names that the distribution's package manager is asked for, sorted and unique; none if the file says
// packages: [].
func (g *Graph) packages() ([]string, error) {
	if g.Runtime.NoPackages() {
		return nil, nil
	}
	manager := ""
	if g.Distro.Manager != nil {
		manager = g.Distro.Manager.Name
	}
	names := slices.Concat(g.Runtime.Packages[""], g.Runtime.Packages[manager])
	needed, err := g.interpreterPackages()
	if err != nil {
		return nil, err
	}
	names = append(names, needed...)
	if g.openhands() {
		names = append(names, g.openhandsPackages()...)
	}
	if manager != "" && g.Runtime.User.Name != "root" {
		names = append(names, g.Distro.Manager.accounts...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 0 && manager == "" {
		return nil, &DistroError{g.Distro, names}
	}
	return names, nil
}

func (g *Graph) openhandsPackages() []string {
	if g.Distro.Manager == nil {
		return []string{"bash"} // stands for all: there is no one to ask
	}
	var names []string
	for _, component := range slices.Sorted(maps.Keys(openhandsPackages)) {
		if component != "" && !g.Runtime.Components[component] {
			continue
		}
		for _, n := range openhandsPackages[component] {
			names = append(names, n.of(g.Distro.Manager.Name)...)
		}
	}
	if g.Distro.ID == "ubuntu" {
		names = append(names, strings.Fields(ubuntuPackages)...)
	}
	return names
}
