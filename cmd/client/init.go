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
		err = adviseRepository(dir, err)
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

// adviseRepository returns err or, if a directory above a project in no git repository has a lock file, an error that says what to do. The
// command that writes a lock file would change that one.
func adviseRepository(dir string, err error) error {
	var none *profile.NoLockError
	root, fault := filepath.Abs(dir)
	if !errors.As(err, &none) || fault != nil {
		return err
	}
	for above := filepath.Dir(root); !project.HoldsHome(above); above = filepath.Dir(above) {
		if files, fault := projectfile.Confined(above); fault == nil {
			if lock := profile.FindLock(files); lock != "" {
				return fmt.Errorf("the project has no lock file, and %s has a %s: if the project is a member of that workspace, run git init and git add . in %s, then init again", above, lock, above)
			}
		}
	}
	return err
}

// readDockerfile reads a Dockerfile: relative to the working directory, else to the context.
func readDockerfile(dir, name string) (*projectfile.Text, error) {
	data, err := runtimefile.ReadNamed(name)
	if inContext := filepath.Join(dir, name); projectfile.Absent(err) && !filepath.IsAbs(name) {
		if _, missing := os.Stat(inContext); missing == nil {
			data, err = runtimefile.ReadNamed(inContext)
		}
	}
	var fault *projectfile.Error
	if projectfile.Absent(err) && errors.As(err, &fault) {
		fault.Hint = "name the Dockerfile by --from, relative to the working directory or to the context"
	}
	return &projectfile.Text{Name: name, Data: data}, err
}

// writeNew writes a file. It replaces an existing one only if force is set. A project is not trusted: its file may be a link to any other.
func writeNew(name string, data []byte, force bool) error {
	switch info, err := os.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is a link, or no regular file: remove it, or give another name by -f; -f - prints the new file", name)
	case !force:
		return fmt.Errorf("%s exists: give --force to replace it, or another name by -f; -f - prints the new one", name)
	}
	if !force {
		file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = file.Write(data)
		return errors.Join(err, file.Close())
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".runtime-*.yaml")
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}
