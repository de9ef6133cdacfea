// Uv is a stand-in for astral-sh's programs uv and uvx, with the commands that a build uses. "uv sync" creates a virtual
// environment with exactly the packages of uv.lock, and checks the hash of each file. It installs only pure Python wheels, and
// does not write lock files. It refuses unsupported calls with exit code 2.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rtbuild/rtbuild/internal/testmirror/stamp"
)

// errUsage means that the real program refuses this call, or that the stand-in does not support it.
var errUsage = errors.New("the stand-in does not know this call")

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

func main() {
	name := filepath.Base(os.Args[0])
	err := run(name, os.Args[1:])
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "%s (a stand-in of rtbuild's tests) called as: %s %s\n%v\n", name, name, strings.Join(os.Args[1:], " "), err)
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "error: %v (a stand-in of rtbuild's tests)\n", err)
		os.Exit(1)
	}
}

func run(name string, args []string) error {
	if len(args) == 1 && (args[0] == "--version" || args[0] == "-V") {
		fmt.Printf("%s %s (a stand-in of rtbuild's tests)\n", name, stamp.Version("0.8.3"))
		return nil
	}
	if name != "uv" || len(args) == 0 {
		return usage("%s supports only --version", name)
	}
	switch strings.Join(args[:min(len(args), 2)], " ") {
	case "cache clean", "cache prune":
		return os.RemoveAll(cacheDir())
	case "cache dir":
		fmt.Println(cacheDir())
		return nil
	}
	o, rest, err := parse(args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || rest[0] != "sync" {
		return usage("command %q", rest)
	}
	return sync(o)
}

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

var (
	plain = words(`--frozen --locked --no-install-project --no-install-workspace --no-install-local --no-dev --dev --no-editable --no-progress --exact
		--inexact --no-cache -n --quiet -q --verbose -v --no-config --offline --no-python-downloads --no-managed-python
		--managed-python --compile-bytecode --native-tls --no-default-groups --all-groups --all-extras --no-build --no-sources
		--no-build-isolation --active`)
	valued = words(`--project --directory --python -p --cache-dir --link-mode --group --no-group --only-group --extra --no-extra
		--index-url --default-index --index --index-strategy --python-preference --color --config-file --allow-insecure-host
		--no-install-package --concurrent-downloads`)
)

func words(text string) map[string]bool {
	m := map[string]bool{}
	for _, word := range strings.Fields(text) {
		m[word] = true
	}
	return m
}

func parse(args []string) (options, []string, error) {
	o := options{map[string]bool{}, map[string][]string{}}
	var rest []string
	for i := 0; i < len(args); i++ {
		name, value, equals := strings.Cut(args[i], "=")
		switch {
		case !strings.HasPrefix(args[i], "-"):
			rest = append(rest, args[i])
		case plain[args[i]]:
			o.set[args[i]] = true
		case valued[name] && equals:
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

func cacheDir() string {
	if dir := os.Getenv("UV_CACHE_DIR"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "uv")
	}
	return filepath.Join(os.Getenv("HOME"), ".cache/uv")
}
