package lint

import (
	"maps"
	"regexp"
	"slices"
)

// installVariable matches variables that only package managers, install scripts and compilers read: the settings of npm, pnpm, yarn, pip, uv
// and Poetry, what keeps packages from downloading browsers and programs, and the choice and flags of compilers. The names of uv's settings
// are listed, because libuv has others.
var installVariable = regexp.MustCompile(`^(npm_config_|NPM_CONFIG_|pnpm_config_|YARN_|PIP_|POETRY_|SHARP_|GYP_DEFINES$|CMAKE_ARGS$|(CC|CXX)$|(C|CXX|CPP|LD)FLAGS$|` +
	`CYPRESS_INSTALL_BINARY$|UV_(.*INDEX.*|COMPILE_BYTECODE|LINK_MODE|NO_.*|PYTHON.*|HTTP_TIMEOUT|CACHE_DIR|FROZEN|LOCKED)$)|_SKIP_(BROWSER_|CHROMIUM_)?DOWNLOAD$`)

// ForInstallation reports whether only the installation of dependencies reads a variable. A running program does not.
func ForInstallation(name string) bool { return installVariable.MatchString(name) }

// installVariables finds variables of the image that are meant for the installation of dependencies, which does not see them.
func installVariables(in Input) []Finding {
	if in.Runtime.Image().DepsEnv() != nil || in.Runtime.Dependencies.Manager == "none" {
		return nil
	}
	var all []Finding
	for _, name := range slices.Sorted(maps.Keys(in.Runtime.Env)) {
		at := in.field("env." + name)
		switch value := in.Runtime.Env[name]; {
		case ForInstallation(name):
			all = append(all, InstallVariable.found(at, "the installation of the dependencies does not see %s, because env is for the running image: "+
				"if it is meant for the installation, move it to dependencies: {env: {...}}", name))
		case name == "NODE_ENV" && value != "production" && in.Runtime.Profile == "node" && in.Runtime.Dependencies.Env[name] == "":
			all = append(all, InstallVariable.found(at, "development dependencies are not installed, because the installation does not see NODE_ENV: "+
				"if the image needs them, write dependencies: {env: {NODE_ENV: %s}}, too", value))
		}
	}
	return all
}
