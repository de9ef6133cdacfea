package main

import (
	"os"
	"path/filepath"
	"strings"
)

// options holds the flags that are set, and the values of flags with a value.
type options struct {
	set    map[string]bool
	values map[string][]string
}

func (o options) value(names ...string) string {
	for _, name := range names {
		if v := o.values[name]; len(v) > 0 {
			return v[len(v)-1]
		}
	}
	return ""
}

func flagNames(text string) map[string]bool {
	names := map[string]bool{}
	for _, name := range strings.Fields(text) {
		names[name] = true
	}
	return names
}

// common and commonValues list the flags of the commands that create environments, without and with a value.
var (
	common = flagNames(`-y --yes -q --quiet -v --verbose --no-rc --no-env --override-channels --json --always-copy --no-pin
		--no-py-pin --pyc --no-pyc --retry-clean-cache --strict-channel-priority --no-channel-priority --allow-softlinks
		--no-allow-softlinks --use-uv --no-use-uv --experimental`)
	commonValues = flagNames(`-n --name -p --prefix -r --root-prefix -c --channel --channel-alias --channel-priority --ssl-verify
		--cacert-path --rc-file --log-level --repodata-ttl --safety-checks --platform`)
)

// parse parses arguments. plain and valued list the flags without and with a value; other flags are an error.
func parse(args []string, plain, valued map[string]bool) (options, []string, error) {
	o := options{map[string]bool{}, map[string][]string{}}
	var rest []string
	for i := 0; i < len(args); i++ {
		name, value, equals := strings.Cut(args[i], "=")
		switch {
		case !strings.HasPrefix(args[i], "-"):
			rest = append(rest, args[i])
		case plain[args[i]]:
			o.set[args[i]] = true
		case valued[name] && equals && strings.HasPrefix(name, "--"):
			o.values[name] = append(o.values[name], value)
		case valued[args[i]] && i+1 < len(args):
			i++
			o.values[args[i-1]] = append(o.values[args[i-1]], args[i])
		default:
			return o, nil, usage("argument %q", args[i])
		}
	}
	return o, rest, nil
}

// root returns the directory of environments and packages.
func root() string {
	if dir := os.Getenv("MAMBA_ROOT_PREFIX"); dir != "" {
		return dir
	}
	return filepath.Join(os.Getenv("HOME"), ".local/share/mamba")
}

// prefixOf returns the directory of the environment that -p or -n names, else that of the active one.
func prefixOf(o options) (string, error) {
	if dir := o.value("-r", "--root-prefix"); dir != "" {
		if err := os.Setenv("MAMBA_ROOT_PREFIX", dir); err != nil {
			return "", err
		}
	}
	if prefix := o.value("-p", "--prefix"); prefix != "" {
		return filepath.Abs(prefix)
	}
	name := o.value("-n", "--name")
	switch {
	case name == "base":
		return root(), nil
	case name != "":
		return filepath.Join(root(), "envs", name), nil
	case os.Getenv("CONDA_PREFIX") != "":
		return os.Getenv("CONDA_PREFIX"), nil
	}
	return "", usage("neither -n nor -p")
}

// packagesDir returns the directory of cached packages.
func packagesDir() string {
	if dirs := os.Getenv("CONDA_PKGS_DIRS"); dirs != "" {
		dir, _, _ := strings.Cut(dirs, ",")
		return dir
	}
	return filepath.Join(root(), "pkgs")
}
