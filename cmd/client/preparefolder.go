package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
)

// What prepare writes into a folder.
const (
	codeDir    = "code"
	dockerfile = "Dockerfile"
	configFile = "config.sh"
	stageDir   = ".rtbuild-prepare" // while it is written
)

// folder is a build folder, and the project that it is made of.
type folder struct {
	dir     string // absolute, without links
	project *project.Project
}

// newFolder refuses a directory that a build folder would do harm to, and touches nothing.
func newFolder(dir string, p *project.Project) (*folder, error) {
	real, err := resolveDir(dir)
	if err != nil {
		return nil, fmt.Errorf("build folder %s: %w: give another --build-folder", dir, err)
	}
	f := &folder{dir: real, project: p}
	if inside(real, p.Root) {
		return nil, fmt.Errorf("build folder %s: the project itself lies in it: give a folder beside the project, or below it", dir)
	}
	for _, check := range []func() error{f.checkOwned, f.checkUnhashed} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("build folder %s: %w", dir, err)
		}
	}
	return f, nil
}

// resolveDir gives the absolute path of a directory, links followed as far as it is there.
func resolveDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		parent, err := resolveDir(filepath.Dir(dir))
		return filepath.Join(parent, filepath.Base(dir)), err
	}
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(real); err != nil || !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory", real)
	}
	return real, nil
}

// inside says whether a path is a directory or lies in it.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// checkOwned refuses to replace what prepare has not made.
func (f *folder) checkOwned() error {
	data, err := os.ReadFile(filepath.Join(f.dir, dockerfile))
	if err == nil && strings.Contains(string(data), madeLine+"\n") {
		return nil
	}
	for _, name := range []string{dockerfile, codeDir} {
		_, err := os.Lstat(filepath.Join(f.dir, name))
		if err == nil {
			return fmt.Errorf("it has a %s that prepare has not made: remove it, or give another --build-folder", name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkUnhashed refuses a folder that would be part of the source at the next time: the tags would change with every run.
func (f *folder) checkUnhashed() error {
	rel, err := filepath.Rel(f.project.Root, f.dir)
	if err != nil || !filepath.IsLocal(rel) {
		return nil
	}
	for _, name := range []string{codeDir, dockerfile, configFile} {
		covered, err := f.project.Inputs.Source.Covers(filepath.ToSlash(filepath.Join(rel, name)), name == codeDir)
		if err != nil {
			return err
		}
		if covered {
			return fmt.Errorf("its %s would be hashed with the project's source: %s", name, f.elsewhere())
		}
	}
	return nil
}

// elsewhere advises where a folder is no part of the source. The original's rules know no list of what to ignore.
func (f *folder) elsewhere() string {
	if f.project.Inputs.Source.Original {
		return "give a folder outside of the source"
	}
	return "give a folder outside of the source, or name this one in .dockerignore"
}

// stage makes the folder, and in it the directory that everything is written to before it takes its place.
func (f *folder) stage() error {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return f.failed(err)
	}
	if err := f.unstage(); err != nil { // what a killed run left
		return err
	}
	return f.failed(os.MkdirAll(f.staged(codeDir), 0o755))
}

func (f *folder) unstage() error { return f.failed(os.RemoveAll(f.staged())) }

func (f *folder) staged(name ...string) string {
	return filepath.Join(append([]string{f.dir, stageDir}, name...)...)
}

// writeFile writes the Dockerfile.
func (f *folder) writeFile(data []byte) error {
	return f.failed(os.WriteFile(f.staged(dockerfile), data, 0o644))
}

// check reads what was written as a builder will, and compares: a folder that would give another image is of no use.
func (f *folder) check(ctx context.Context) error {
	got, err := project.Read(f.staged(), project.Options{File: f.staged(dockerfile)})
	if err != nil {
		return fmt.Errorf("reading the written folder again: %w", err)
	}
	want := f.project
	same, err := sameRuntime(*got.Runtime, *want.Runtime)
	if err != nil {
		return err
	}
	if !same {
		return cmp.Or(want.CompareReads(got), errors.New("the runtime file cannot be written anew without a change of meaning: "+
			"write its fields without anchors and aliases"))
	}
	if err := got.ComputeTags(ctx, want.Tags.Repository); err != nil {
		return fmt.Errorf("reading the written folder again: %w", err)
	}
	if got.Tags != want.Tags || got.Tree.Copied != want.Tree.Copied {
		return cmp.Or(want.CompareReads(got), fmt.Errorf("what was written to %s has the source tag %s, the project %s: try again",
			f.dir, got.Tags.Source, want.Tags.Source))
	}
	return nil
}

// sameRuntime says whether two runtimes give the same image, whatever files they were read from. The repository is none of
// the image's, and may be the environment's.
func sameRuntime(a, b profile.Runtime) (bool, error) {
	a.Repository, b.Repository = "", ""
	one, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	other, err := json.Marshal(b)
	return bytes.Equal(one, other), err
}

// publish puts what was written in its place. A run that is killed in between leaves no folder that builds.
func (f *folder) publish() error {
	err := os.RemoveAll(filepath.Join(f.dir, codeDir))
	for _, name := range []string{dockerfile, codeDir} {
		if err == nil {
			err = os.Rename(f.staged(name), filepath.Join(f.dir, name))
		}
	}
	return f.failed(err)
}

// appendConfig tells the original's build.sh the tags, in the original's words.
func (f *folder) appendConfig() error {
	file, err := os.OpenFile(filepath.Join(f.dir, configFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return f.failed(err)
	}
	_, err = fmt.Fprintf(file, "\nDOCKER_IMAGE_TAG=%s\nDOCKER_IMAGE_SOURCE_TAG=%s\n", f.project.Tags.Runtime, f.project.Tags.Source)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return f.failed(err)
}

// failed is the error of a folder that could not be written, with what to do; nil for nil.
func (f *folder) failed(err error) error {
	if err == nil {
		return nil
	}
	advice := "see what is wrong there, or give another --build-folder"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "free some space there, or give another --build-folder"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = "make it writable for this user, or give another --build-folder"
	}
	return fmt.Errorf("writing the build folder %s: %w: %s", f.dir, err, advice)
}
