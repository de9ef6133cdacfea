package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/migrate"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/options/flags"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

func newInit() *cobra.Command {
	var o options.Init
	cmd := &cobra.Command{
		Use:   "init [CONTEXT]",
		Short: "Write a runtime.yaml from what the project and its Dockerfile say",
		Long: "init writes the smallest runtime.yaml that the project needs, and says why each line is there. With --from, it takes\n" +
			"over what the Dockerfile says. Comments at the end of the file list the lines of the Dockerfile that have no\n" +
			"equivalent. It prints the name of the file.",
		Example: "  rtbuild-client init\n" +
			"  rtbuild-client init --from Dockerfile -f -",
		Args: oneContext,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runInit(cmd.OutOrStdout(), &o, args)
		},
	}
	flags.Add(cmd.Flags(), cmd.Name(), &o)
	return cmd
}

func runInit(out io.Writer, o *options.Init, args []string) error {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	wanted := migrate.Options{Base: o.BaseImage, Profile: o.Profile}
	files, err := openProject(dir, &wanted)
	if err != nil {
		return withCode(exitUsage, err)
	}
	if o.From != "" {
		if wanted.Dockerfile, err = readDockerfile(dir, o.From); err != nil {
			return withCode(exitUsage, err)
		}
	}
	made, err := migrate.Write(files, wanted)
	if err != nil {
		return withCode(exitUsage, err)
	}
	if o.File == "-" {
		_, err = out.Write(made.Data)
		return err
	}
	name := cmp.Or(o.File, filepath.Join(dir, runtimefile.Name))
	if err := writeNew(name, made.Data, o.Force); err != nil {
		return withCode(exitUsage, err)
	}
	if made.Left > 0 {
		note(fmt.Sprintf("parts of %s that have no equivalent: %d; comments at the end of %s list them", o.From, made.Left, name))
	}
	_, err = fmt.Fprintln(out, name)
	return err
}

// openProject opens the context of a project. If it has no lock file, and a directory above in its git repository has one, that is the
// context.
func openProject(dir string, wanted *migrate.Options) (fs.FS, error) {
	files, err := projectfile.Confined(dir)
	if err != nil || profile.FindLock(files) != "" {
		return files, err
	}
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	above, below, lock := project.Workspace(root)
	if lock == "" {
		return files, nil
	}
	wanted.Directory = below
	return projectfile.Confined(above)
}

// readDockerfile reads a Dockerfile: relative to the working directory, else to the context.
func readDockerfile(dir, name string) (*projectfile.Text, error) {
	data, err := runtimefile.ReadNamed(name)
	if inContext := filepath.Join(dir, name); projectfile.Absent(err) && !filepath.IsAbs(name) {
		if _, missing := os.Stat(inContext); missing == nil {
			data, err = runtimefile.ReadNamed(inContext)
		}
	}
	return &projectfile.Text{Name: name, Data: data}, err
}

// writeNew writes a file. It replaces an existing one only if force is set.
func writeNew(name string, data []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(name, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: give --force to replace it, or another name by -f; -f - prints the new one", name)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}
