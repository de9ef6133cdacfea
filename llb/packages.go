package llb

import (
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

// packageGroup is packages that are installed together.
type packageGroup struct {
	component string // that needs them; empty is every image
	names     []packageNames
}

// openhandsPackages are those of the profile openhands. Each list is a layer: while one is installed, the builder compresses the one
// before. What the last needs of graphics is in the second already, so that they weigh about the same.
var openhandsPackages = [][]packageGroup{
	{
		{"", []packageNames{
			same("bash ca-certificates coreutils curl findutils git grep jq ripgrep sed sudo tmux util-linux wget"),
			{"build-essential", "build-base", "gcc gcc-c++ make", "gcc gcc-c++ make"},
			{"procps", "procps", "procps-ng", "procps"},
			{"passwd", "", "passwd", ""},
			{"gnupg", "gnupg", "gnupg2", "gpg2"},
			{apt: "apt-transport-https apt-utils lsb-release"},
		}},
	},
	{
		{"", []packageNames{
			{"libgl1|libgl1-mesa-glx", "mesa-gl", "mesa-libGL", "Mesa-libGL1"},
		}},
		{"browser", []packageNames{
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
		}},
	},
	{
		{"", []packageNames{
			{"ffmpeg", "ffmpeg", "ffmpeg-free", "ffmpeg"},
			{"libasound2-plugins", "alsa-plugins-pulse", "alsa-plugins-pulseaudio", "alsa-plugins-pulse"},
			{"libatomic1", "libatomic", "libatomic", "libatomic1"},
		}},
	},
}

// ubuntuPackages are those that the profile openhands has on Ubuntu besides.
const ubuntuPackages = "python-is-python3 python3 python3-pip python3-venv"

// pythonPackages are a distribution's own Python with the module venv.
var pythonPackages = packageNames{"python3 python3-venv", "python3", "python3", "python3"}

// packages are the names that the distribution's package manager is asked for, layer by layer, each sorted and unique; none if the
// file says packages: [].
func (g *Graph) packages() ([][]string, error) {
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
	if manager != "" && g.Runtime.User.Name != "root" {
		names = append(names, g.Distro.Manager.accounts...)
	}
	layers := [][]string{names}
	if g.openhands() {
		own := g.openhandsPackages()
		layers = append([][]string{append(names, own[0]...)}, own[1:]...)
	}
	for i, names := range layers {
		slices.Sort(names)
		layers[i] = slices.Compact(names)
	}
	layers = slices.DeleteFunc(layers, func(names []string) bool { return len(names) == 0 })
	if len(layers) > 0 && manager == "" {
		return nil, &DistroError{g.Distro, layers[0]}
	}
	return layers, nil
}

func (g *Graph) openhandsPackages() [][]string {
	if g.Distro.Manager == nil {
		return [][]string{{"bash"}} // stands for all: there is no one to ask
	}
	layers := make([][]string, len(openhandsPackages))
	for i, groups := range openhandsPackages {
		for _, group := range groups {
			if group.component != "" && !g.Runtime.Components[group.component] {
				continue
			}
			for _, n := range group.names {
				layers[i] = append(layers[i], n.of(g.Distro.Manager.Name)...)
			}
		}
	}
	if g.Distro.ID == "ubuntu" {
		layers[0] = append(layers[0], strings.Fields(ubuntuPackages)...)
	}
	return layers
}
