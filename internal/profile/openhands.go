package profile

import (
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// openhands is the profile of OpenHands. Its images match those of OpenHands' own build.
var openhands = definition{
	defaults: Runtime{
		Profile:      "openhands",
		Base:         "nikolaik/python-nodejs:python3.12-nodejs22",
		Interpreter:  Interpreter{Name: "python", Version: "3.12"},
		Prefix:       "/openhands",
		User:         User{Name: "openhands", UID: 1000, GID: 1000},
		Components:   map[string]bool{"browser": true, "docker": true, "editor": true},
		Dependencies: Dependencies{Manager: "poetry", Files: []string{"pyproject.toml", "poetry.lock"}},
		Bytecode:     llb.BytecodeAll,
		// The deps stage copies the lock files, so they are not part of the source. Releases up to 0.62.0 have microagents, later sources skills.
		Source: []Source{{Path: "openhands", Hash: true}, {Path: "microagents", Optional: true}, {Path: "skills", Optional: true}},
	},
	env: map[string]string{
		"EDITOR": "code", "GIT_EDITOR": "code --wait", "VISUAL": "code", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
		"MAMBA_ROOT_PREFIX":       "{prefix}/micromamba",
		"OPENVSCODE_SERVER_ROOT":  "{prefix}/.openvscode-server",
		"POETRY_VIRTUALENVS_PATH": "{prefix}/poetry",
	},
	managers: []string{"poetry"},
	image: llb.Runtime{
		Path: []string{"/usr/bin", "/bin", "/usr/sbin", "/sbin"},
		User: llb.User{
			Shell: "/bin/bash", Sudo: true, OwnsPrefix: true, StartsAsRoot: true,
			Directories: []llb.Directory{{Name: "logs"}, {Name: "workspace", Shared: true}},
		},
		// They may be in the package's directory, but Poetry needs them in the project's root.
		LockFiles: []string{"p*", "openhands/p*"},
	},
	installers: map[string]llb.Installer{"": openhandsLock, runtimefile.InstallerPoetry: llb.CondaPoetry{Conda: conda}},
	packages:   openhandsPackages,
	system: []part[llb.Component]{
		{"docker", llb.DockerEngine{NotOn: []string{"swebench", "mswebench"}}}, // as the original has it
	},
	tools: []part[llb.Component]{
		{"", llb.NodeWithCorepack{Distro: "ubuntu", Version: "22"}},
		{"", llb.UV{}},
		{"editor", llb.Editor{Without: []string{"diff", "grunt", "handlebars", "ini", "json", "npm", "pug"}}}, // as the original has it
		{"", conda},
		{"", llb.GitUser{Name: "openhands", Email: "openhands@all-hands.dev"}},
	},
	deps: []part[llb.Component]{
		{"", llb.Shells{Lock: openhandsLock}},
		{"browser", llb.Browser{Lock: openhandsLock}},
	},
	copies: []part[llb.SourceCopy]{
		{"", llb.SourceCopy{From: "openhands/__init__.py", To: "code/openhands/", Mode: "a+rwx"}},
		{"editor", editorExtension("hello-world")},
		{"editor", editorExtension("memory-monitor")},
	},
	releases: []part[string]{{"", "uv"}, {"", "micromamba"}, {"editor", "openvscode-server"}, {"docker", "docker-apt-key"}},
	installs: true,

	locks:    []string{"pyproject.toml", "poetry.lock"},
	project:  "openhands-ai",
	lookIn:   []string{"openhands", "."},
	original: true,
	noCopy:   []string{"*.md"},
	version:  manifests.OriginalVersion,
	command:  noCommand,
	build:    noBuild,
}

var (
	conda         = llb.Conda{Name: "openhands"}
	openhandsLock = llb.PoetryLock{Conda: &conda, Groups: []string{"main", "runtime"}}
)

// editorExtension returns the copy of an editor extension from the agent's source to the directory where the editor finds it.
func editorExtension(name string) llb.SourceCopy {
	return llb.SourceCopy{
		From: "openhands/runtime/utils/vscode-extensions/" + name, To: ".openvscode-server/extensions/openhands-" + name + "/", Contents: true,
	}
}

// openhandsPackages are the packages of OpenHands' own build, which runs "playwright install --with-deps" for some of them. Each list is a layer: the builder compresses a layer while it installs the
// next. Some packages that the last layer needs are in the second, so that both have about the same size.
var openhandsPackages = [][]part[llb.Packages]{
	{
		{"", llb.Packages{"": strings.Fields("bash ca-certificates coreutils curl findutils git grep jq ripgrep sed sudo tmux util-linux wget")}},
		{"", called("build-essential", "build-base", "gcc gcc-c++ make", "gcc gcc-c++ make")},
		{"", called("procps", "procps", "procps-ng", "procps")},
		{"", called("passwd", "", "passwd", "")},
		{"", called("gnupg", "gnupg", "gnupg2", "gpg2")},
		{"", called("apt-transport-https apt-utils lsb-release", "", "", "")},
		{"", llb.Packages{"ubuntu": {"python-is-python3", "python3", "python3-pip", "python3-venv"}}},
	},
	{
		{"", called("libgl1|libgl1-mesa-glx", "mesa-gl", "mesa-libGL", "Mesa-libGL1")},
		{"browser", called("libnss3 libnspr4", "nss nspr", "nss nspr", "mozilla-nss mozilla-nspr")},
		{"browser", called("libatk-bridge2.0-0", "at-spi2-core", "at-spi2-atk", "libatk-bridge-2_0-0")},
		{"browser", called("libdrm2", "libdrm", "libdrm", "libdrm2")},
		{"browser", called("libxkbcommon0", "libxkbcommon", "libxkbcommon", "libxkbcommon0")},
		{"browser", called("libxcomposite1", "libxcomposite", "libXcomposite", "libXcomposite1")},
		{"browser", called("libxdamage1", "libxdamage", "libXdamage", "libXdamage1")},
		{"browser", called("libxrandr2", "libxrandr", "libXrandr", "libXrandr2")},
		{"browser", called("libgbm1", "mesa-gbm", "mesa-libgbm", "libgbm1")},
		{"browser", called("libxss1", "libxscrnsaver", "libXScrnSaver", "libXss1")},
		{"browser", called("libasound2t64|libasound2", "alsa-lib", "alsa-lib", "libasound2")},
		{"browser", playwrightPackages(playwrightText)},
	},
	{
		{"", called("ffmpeg", "ffmpeg", "ffmpeg-free", "ffmpeg")},
		{"", called("libasound2-plugins", "alsa-plugins-pulse", "alsa-plugins-pulseaudio", "alsa-plugins-pulse")},
		{"", called("libatomic1", "libatomic", "libatomic", "libatomic1")},
	},
}

// called returns the packages of a program for apt, apk, dnf and zypper. Empty means that the manager has none or needs none.
func called(apt, apk, dnf, zypper string) llb.Packages {
	return llb.Packages{"apt": strings.Fields(apt), "apk": strings.Fields(apk), "dnf": strings.Fields(dnf), "zypper": strings.Fields(zypper)}
}
