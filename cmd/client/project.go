package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/solve"
	"github.com/rtbuild/rtbuild/tags"
)

// projectOptions are the flags that say what a runtime is made of.
type projectOptions struct {
	file, profile, base, repository string
	version, extra                  string
	platforms                       []string
	noBrowser                       bool
	format                          string
}

func (o *projectOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&o.file, "file", "f", "", "runtime file (default: runtime.yaml in the context, if there is one)")
	flags.StringVar(&o.profile, "profile", "", "profile: node, python, openhands (default: detected from the lock files)")
	flags.StringVar(&o.base, "base-image", "", "base image")
	flags.StringVar(&o.repository, "repository", "", "repository of the images, HOST/PATH")
	flags.StringVar(&o.version, "runtime-version", "", "version in the tags (default: from package.json or pyproject.toml)")
	flags.StringVar(&o.extra, "extra-deps", "", "shell command that is run last, on top of the source")
	flags.StringArrayVar(&o.platforms, "platform", nil, "platforms of the image, os/arch[,os/arch] (repeatable; default: this machine's)")
	flags.BoolVar(&o.noBrowser, "no-browser", false, "leave the browser out (profile openhands)")
	flags.StringVar(&o.format, "format", "text", "output format: text or json")
}

// project is a context directory as it was read.
type project struct {
	root      string
	files     fs.FS             // the same, read as a stranger's
	read      map[string]string // the digests of the files that the runtime was read from
	runtime   *profile.Runtime
	inputs    tags.Inputs
	tags      tags.Set
	tree      *tags.Tree
	platforms []ocispecs.Platform // at least one
	asked     bool                // the platforms were named
}

// read loads the runtime of a context. It gives no tags yet: those need a repository.
func (o *projectOptions) read(args []string) (*project, error) {
	if o.format != "text" && o.format != "json" {
		return nil, withCode(exitUsage, fmt.Errorf("invalid --format %q: it is text or json", o.format))
	}
	root := "."
	if len(args) > 0 {
		root = args[0]
	}
	root, err := contextDir(root)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	wanted, err := parsePlatforms(o.platforms)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	options, err := o.profileOptions(root)
	if err == nil {
		root, err = projectRoot(root, options.Data)
	}
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	files, err := profile.Confined(root)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	seen := newRecorder(files)
	runtime, err := profile.Load(seen, options)
	if name := seen.unsteady(); name != "" {
		return nil, &solve.ChangedError{Path: name, Err: errors.New("it was read twice, with different contents")}
	}
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	return &project{
		root: root, files: files, read: seen.sums(), runtime: runtime, inputs: runtime.TagInputs(), platforms: wanted, asked: len(o.platforms) > 0,
	}, nil
}

func contextDir(dir string) (string, error) {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("context %s: %w", dir, err)
	}
	if fi, err := os.Stat(root); err != nil || !fi.IsDir() {
		return "", fmt.Errorf("context %s is not a directory: give the project's root", dir)
	}
	return filepath.Abs(root)
}

// profileOptions says what overrides the file; a file outside of the context is read here.
func (o *projectOptions) profileOptions(root string) (profile.Options, error) {
	options := profile.Options{
		Profile: o.profile, Base: o.base, Version: o.version, NoBrowser: o.noBrowser,
		Repository: o.repository,
	}
	if o.extra != "" {
		options.Extra = &o.extra
	}
	if o.file == "" {
		return options, nil
	}
	data, err := readRuntimeFile(root, o.file)
	options.Name, options.Data = o.file, data
	return options, err
}

// readRuntimeFile reads the file that -f names: relative to the working directory, else to the context. One that lies in the context
// is the project's, which may be a stranger's: if it is a link that leaves the context, it is not read.
func readRuntimeFile(root, name string) ([]byte, error) {
	if name == "-" {
		return nil, errors.New("-f -: standard input is not read: write the runtime file to a file, and name that")
	}
	if inContext := filepath.Join(root, name); !exists(name) && exists(inContext) {
		name = inContext
	}
	inside, ok := within(root, name)
	if !ok {
		return profile.ReadNamed(name)
	}
	files, err := profile.Confined(root)
	if err != nil {
		return nil, err
	}
	return profile.ReadRuntime(files, inside)
}

// within gives the path in a directory, which has no links in its own, of a file that lies there.
func within(root, name string) (string, bool) {
	dir, err := filepath.EvalSymlinks(filepath.Dir(name))
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", false
	}
	inside, err := filepath.Rel(root, filepath.Join(dir, filepath.Base(name)))
	return filepath.ToSlash(inside), err == nil && filepath.IsLocal(inside)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// compute reads the tree and gives the tags.
func (p *project) compute(ctx context.Context, repository string) error {
	p.inputs.Repository = repository
	var err error
	if p.tags, p.tree, err = tags.Compute(ctx, p.root, p.inputs); err != nil {
		var at *tags.PathError
		if errors.Is(err, tags.ErrChanged) && errors.As(err, &at) {
			err = &solve.ChangedError{Path: at.Path, Err: at.Err}
		}
		return withCode(exitUsage, err)
	}
	if err := checkOutside(p.tree); err != nil {
		return withCode(exitUsage, err)
	}
	return withCode(exitUsage, p.checkRead())
}

// checkRead compares what the runtime was made from, such as the command in package.json, with what was hashed afterwards.
func (p *project) checkRead() error {
	for _, e := range slices.Concat(p.tree.LockFiles, p.tree.Entries) {
		if sum, read := p.read[e.Path]; read && e.Mode.IsRegular() && sum != string(e.SHA256[:]) {
			return &solve.ChangedError{Path: e.Path, Err: errors.New("it was read and hashed with different contents")}
		}
	}
	return nil
}

// checkOutside refuses links that no builder can follow. Nothing behind them was read, so there are no tags either.
func checkOutside(tree *tags.Tree) error {
	if len(tree.Outside) == 0 {
		return nil
	}
	return fmt.Errorf("the source has links that leave the context, which no builder can follow: %s\n"+
		"copy what they point to into the context, or add them to ignore", strings.Join(tree.Outside, ", "))
}
