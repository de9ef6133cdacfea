// Micromamba is a stand-in for mamba-org's program of this name, with the commands that a build uses. It creates environments
// from a conda channel, runs programs in them, and prints shell code that activates them. It resolves names, versions and
// dependencies, but chooses the newest package that fits and never backtracks. It refuses unsupported calls with exit code 2.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rtbuild/rtbuild/internal/testmirror/stamp"
)

func main() {
	err := run(os.Args[1:])
	var exit *exec.ExitError
	var unsolvable *unsatisfiable
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "micromamba (a stand-in of rtbuild's tests) called as: micromamba %s\n%v\n", strings.Join(os.Args[1:], " "), err)
		os.Exit(2)
	case errors.As(err, &unsolvable):
		fmt.Fprint(os.Stderr, unsolvable.Error())
		os.Exit(1)
	default:
		fmt.Fprintf(os.Stderr, "critical libmamba %v (a stand-in of rtbuild's tests)\n", err)
		os.Exit(1)
	}
}

// errUsage means that the real program refuses this call, or that the stand-in does not support it.
var errUsage = errors.New("the stand-in does not know this call")

func usage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errUsage, fmt.Sprintf(format, args...))
}

func run(args []string) error {
	if len(args) == 0 {
		return usage("no command")
	}
	switch command, args := args[0], args[1:]; command {
	case "--version":
		fmt.Println(stamp.Version("2.3.3"))
		return nil
	case "create":
		return create(args, true)
	case "install":
		return create(args, false)
	case "run":
		return runIn(args)
	case "shell":
		return shell(args)
	case "clean":
		return clean(args)
	case "config":
		return config(args)
	case "env":
		return environments(args)
	case "info":
		fmt.Printf("       libmamba version : %s (a stand-in of rtbuild's tests)\n           envs directories : %s\n", stamp.Version("2.3.3"), root()+"/envs")
		return nil
	default:
		return usage("command %q", command)
	}
}

// clean removes caches. It never asks for confirmation. Like libmamba, it leaves a cache alone into which the user may not write.
func clean(args []string) error {
	o, rest, err := parse(args, flagNames("-y --yes -q --quiet -a --all -p --packages -t --tarballs -i --index-cache -l --locks --trash -f --force-pkgs-dirs"), nil)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usage("clean takes no %q", rest)
	}
	if len(o.set) == 0 {
		return usage("clean without flags; use --all")
	}
	if unix.Access(packagesDir(), unix.W_OK) != nil {
		return nil
	}
	return os.RemoveAll(packagesDir())
}

func environments(args []string) error {
	if len(args) != 1 || args[0] != "list" {
		return usage("env %q", args)
	}
	entries, err := os.ReadDir(root() + "/envs")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Println("  Name       Active  Path")
	for _, entry := range entries {
		fmt.Printf("  %-10s         %s/envs/%s\n", entry.Name(), root(), entry.Name())
	}
	return nil
}
