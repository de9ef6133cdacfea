package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// runIn runs a program in an environment.
func runIn(args []string) error {
	plain, valued := flagNames("--clean-env -d --detach -v --verbose --no-rc --no-env -q --quiet"), flagNames("-n --name -p --prefix -r --root-prefix -e --env --cwd -a --attach --label")
	// Arguments after the first word belong to the program.
	at := 0
	for at < len(args) && strings.HasPrefix(args[at], "-") && args[at] != "--" {
		if valued[args[at]] {
			at++
		}
		at++
	}
	o, _, err := parse(args[:min(at, len(args))], plain, valued)
	if err != nil {
		return err
	}
	command := args[min(at, len(args)):]
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	prefix, err := prefixOf(o)
	if err != nil {
		return err
	}
	if len(command) == 0 {
		return usage("run without a program")
	}
	if o.set["-d"] || o.set["--detach"] || o.set["--clean-env"] {
		return usage("run --detach or --clean-env")
	}
	if _, err := os.Stat(filepath.Join(prefix, "conda-meta")); err != nil {
		return fmt.Errorf("the given prefix does not exist: %q", prefix)
	}
	for name, value := range activated(prefix) {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	program := exec.Command(command[0], command[1:]...)
	program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stdout, os.Stderr
	program.Dir = o.value("--cwd")
	program.Env = append(os.Environ(), slices.Concat(o.values["-e"], o.values["--env"])...)
	return program.Run()
}

// activated returns the variables of a shell with an active environment.
func activated(prefix string) map[string]string {
	name := prefix
	if filepath.Dir(prefix) == filepath.Join(root(), "envs") {
		name = filepath.Base(prefix)
	}
	if prefix == root() {
		name = "base"
	}
	path := withoutEnv(os.Getenv("PATH"), os.Getenv("CONDA_PREFIX"))
	condabin := filepath.Join(root(), "condabin")
	if !slices.Contains(filepath.SplitList(path), condabin) {
		path = condabin + ":" + path
	}
	return map[string]string{
		"PATH": filepath.Join(prefix, "bin") + ":" + path, "CONDA_PREFIX": prefix, "CONDA_DEFAULT_ENV": name,
		"CONDA_PROMPT_MODIFIER": "(" + name + ") ", "CONDA_SHLVL": "1",
	}
}

// withoutEnv removes an environment's programs from PATH.
func withoutEnv(path, prefix string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool {
		return prefix != "" && dir == filepath.Join(prefix, "bin")
	})
	return strings.Join(dirs, ":")
}

// shell prints shell code. "shell hook" defines the function micromamba, which evaluates the output of "shell activate".
func shell(args []string) error {
	if len(args) == 0 {
		return usage("shell without a command")
	}
	o, rest, err := parse(args[1:], flagNames("--no-rc --no-env -q --quiet --stack --no-stack"), flagNames("-s --shell -r --root-prefix -p --prefix -n --name"))
	if err != nil {
		return err
	}
	if kind := o.value("-s", "--shell"); kind != "bash" && kind != "posix" && kind != "dash" && kind != "zsh" {
		return usage("shell %q", kind)
	}
	if dir := o.value("-r", "--root-prefix"); dir != "" {
		if err := os.Setenv("MAMBA_ROOT_PREFIX", dir); err != nil {
			return err
		}
	}
	switch args[0] {
	case "hook":
		if len(rest) > 0 {
			return usage("shell hook %q", rest)
		}
		return hook()
	case "activate":
		return activate(o, rest)
	case "deactivate":
		fmt.Printf("export PATH=%s\nunset CONDA_PREFIX CONDA_DEFAULT_ENV CONDA_PROMPT_MODIFIER\nexport CONDA_SHLVL=0\n", quote(withoutEnv(os.Getenv("PATH"), os.Getenv("CONDA_PREFIX"))))
		return nil
	}
	return usage("shell %s", args[0])
}

func hook() error {
	itself, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Printf(`# a stand-in of rtbuild's tests
export MAMBA_EXE=%s
if [ -z "${MAMBA_ROOT_PREFIX}" ]; then export MAMBA_ROOT_PREFIX=%s; fi
micromamba() {
  case "${1-}" in
    activate | deactivate)
      __mamba_code="$("${MAMBA_EXE}" shell "$@" --shell posix)" || return $?
      eval "${__mamba_code}"
      unset __mamba_code
      hash -r 2>/dev/null || true
      ;;
    *) "${MAMBA_EXE}" "$@" ;;
  esac
}
if [ -z "${CONDA_SHLVL+x}" ]; then export CONDA_SHLVL=0; fi
`, quote(itself), quote(root()))
	return nil
}

func activate(o options, rest []string) error {
	if len(rest) == 1 {
		if strings.Contains(rest[0], "/") {
			o.values["-p"] = rest
		} else {
			o.values["-n"] = rest
		}
	}
	if len(rest) > 1 {
		return usage("activate %q", rest)
	}
	prefix, err := prefixOf(o)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(prefix, "conda-meta")); err != nil {
		return fmt.Errorf("cannot activate, prefix does not exist at: %q", prefix)
	}
	variables := activated(prefix)
	for _, name := range []string{"PATH", "CONDA_PREFIX", "CONDA_SHLVL", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER"} {
		fmt.Printf("export %s=%s\n", name, quote(variables[name]))
	}
	return nil
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
