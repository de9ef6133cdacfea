package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// runcName is the name under which our own binary is started in the place of runc, and runcEnv tells it where runc is.
const (
	runcName = "rtbuild-runc"
	runcEnv  = "RTBUILD_RUNC"
)

// netRaw is the capability to read what others send. Steps share the machine's network: with it, one that runs as root could read
// the registry's token off the loopback interface.
const netRaw = "CAP_NET_RAW"

// IsRunc reports whether buildkitd started this process to run a step.
func IsRunc() bool { return filepath.Base(os.Args[0]) == runcName }

// Runc takes CAP_NET_RAW from the step that it is to run, and becomes runc. It returns only an error.
func Runc() error {
	if err := restrict(os.Args[1:]); err != nil {
		return fmt.Errorf("taking %s from a build step: %w", netRaw, err)
	}
	real := os.Getenv(runcEnv)
	//nolint:gosec // installRunc sets the variable
	return fmt.Errorf("starting %s: %w", real, syscall.Exec(real, append([]string{"runc"}, os.Args[1:]...), os.Environ()))
}

// installRunc puts our binary where buildkitd looks for runc, and gives its path.
func (h *home) installRunc() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	link := filepath.Join(h.run, runcName)
	if there, err := os.Readlink(link); err == nil && there == self {
		return link, nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return link, os.Symlink(self, link)
}

// restrict changes what a command line of runc starts: the bundle of run and create, the process of exec.
func restrict(args []string) error {
	starts := slices.ContainsFunc(args, func(arg string) bool { return arg == "run" || arg == "create" || arg == "exec" })
	for i, arg := range args[:max(0, len(args)-1)] {
		switch arg {
		case "--bundle", "-b":
			return rewrite(filepath.Join(args[i+1], "config.json"), "process", "capabilities")
		case "--process", "-p":
			return rewrite(args[i+1], "capabilities")
		}
	}
	if starts {
		return fmt.Errorf("no --bundle and no --process in %q", args)
	}
	return nil
}

// rewrite takes the capability out of all sets of capabilities, which lie in a JSON file under keys.
func rewrite(file string, keys ...string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var whole map[string]any
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber() // they are written as they were read
	if err := numbers.Decode(&whole); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	at := whole
	for _, key := range keys {
		at, _ = at[key].(map[string]any) // none: nothing to take
	}
	for name, set := range at {
		if list, ok := set.([]any); ok {
			at[name] = slices.DeleteFunc(list, func(held any) bool { return held == netRaw })
		}
	}
	if data, err = json.Marshal(whole); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}
