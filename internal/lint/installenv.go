package lint

import (
	"maps"
	"regexp"
	"slices"
)

// installVariable matches variables that only package managers, install scripts and compilers read: the settings of npm, pnpm, yarn, pip, uv
// and Poetry, what keeps packages from downloading browsers and programs, and the flags of compilers.
var installVariable = regexp.MustCompile(`^(npm_config_|NPM_CONFIG_|pnpm_config_|YARN_|PIP_|UV_|POETRY_|CMAKE_ARGS$|(C|CXX|CPP|LD)FLAGS$)|_SKIP_(BROWSER_|CHROMIUM_)?DOWNLOAD$`)

// installVariables finds variables of the image that are meant for the installation of dependencies, which does not see them.
func installVariables(in Input) []Finding {
	if in.Runtime.Image().DepsEnv() != nil || in.Runtime.Dependencies.Manager == "none" {
		return nil
	}
	var all []Finding
	for _, name := range slices.Sorted(maps.Keys(in.Runtime.Env)) {
		if installVariable.MatchString(name) {
			all = append(all, InstallVariable.found(in.field("env."+name), "the installation of the dependencies does not see %s, because env is for the running image: "+
				"if it is meant for the installation, move it to dependencies: {env: {...}}", name))
		}
	}
	return all
}
