package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

func command(ctx context.Context, name string, args ...string) error {
	return run(exec.CommandContext(ctx, name, args...))
}

func run(cmd *exec.Cmd) error {
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	return explain(cmd, cmd.Run(), &all)
}

// output runs a program and returns its standard output.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := explain(cmd, cmd.Run(), &stderr)
	return stdout.String(), err
}

// explain adds the command and its output to an error, or the advice to install a missing program.
func explain(cmd *exec.Cmd, err error, printed *bytes.Buffer) error {
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w: run hack/deps as root to install what tests need", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, printed)
	}
	return nil
}
