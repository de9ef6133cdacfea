package embedded

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// runcName is the name under which this program runs in place of runc. runcEnv is the variable with the path of runc.
const (
	runcName = "rtbuild-runc"
	runcEnv  = "RTBUILD_RUNC"
)

// netRaw is the capability to read all network traffic. Steps share the machine's network. With this capability, a step that runs
// as root could read the registry's token from the loopback interface.
const netRaw = "CAP_NET_RAW"

// IsRunc reports whether buildkitd started this process to run a step.
func IsRunc() bool { return filepath.Base(os.Args[0]) == runcName }

// Runc removes CAP_NET_RAW from the step in its arguments, and replaces this process by runc. It returns only if that fails.
func Runc() error {
	if err := restrict(os.Args[1:]); err != nil {
		return fmt.Errorf("removing %s from a build step: %w", netRaw, err)
	}
	real := os.Getenv(runcEnv)
	return fmt.Errorf("starting %s: %w", real, replaceProcess(real, append([]string{"runc"}, os.Args[1:]...)))
}

// installRunc makes a link to this program for buildkitd to run as runc, and returns its path.
func (h *home) installRunc() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	link := filepath.Join(h.run, runcName)
	if target, err := os.Readlink(link); err == nil && target == self {
		return link, nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return link, os.Symlink(self, link)
}

// restrict removes the capability from the file that a command line of runc names: the bundle of run and create, the process of
// exec.
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

// rewrite removes the capability from all capability sets in a JSON file; keys lead to the object that holds them.
func rewrite(file string, keys ...string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var whole map[string]any
	numbers := json.NewDecoder(bytes.NewReader(data))
	numbers.UseNumber() // keeps numbers as they are
	if err := numbers.Decode(&whole); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	at := whole
	for _, key := range keys {
		at, _ = at[key].(map[string]any) // nil if there are no capabilities
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
