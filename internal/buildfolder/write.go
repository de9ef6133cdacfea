package buildfolder

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
	"syscall"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
)

// Write writes the folder. The project's tags must have been computed. Write uses a temporary directory first, so an error leaves
// an earlier folder unchanged. The Dockerfile names syntax as its frontend. If syntax is empty, that is the runtime file's, else
// [Frontend].
//
// The error is a *tags.ChangedError if a file of the project has changed since it was read or hashed.
func (f *Folder) Write(ctx context.Context, syntax string) (err error) {
	file, err := f.runtimeFile(syntax)
	if err != nil {
		return err
	}
	needed, err := f.filesNeeded(file)
	if err != nil {
		return err
	}
	if err := f.stage(); err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, f.unstage()) }()
	if err := f.copyProject(ctx, needed); err != nil {
		return err
	}
	if err := f.failed(os.WriteFile(f.staged(dockerfile), file, 0o644)); err != nil {
		return err
	}
	if err := f.check(ctx); err != nil {
		return err
	}
	if err := f.publish(); err != nil {
		return err
	}
	return f.appendConfig()
}

// filesNeeded returns the files of the project that reading the folder's runtime file depends on, such as .dockerignore.
func (f *Folder) filesNeeded(file []byte) ([]string, error) {
	names, err := project.FilesRead(f.project.Root, profile.Options{Name: dockerfile, Data: file})
	if err != nil {
		return nil, fmt.Errorf("reading the runtime file of the build folder: %w", err)
	}
	return names, nil
}

// stage creates the folder, and in it the temporary directory.
func (f *Folder) stage() error {
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return f.failed(err)
	}
	if err := f.unstage(); err != nil { // a run that was killed may have left one
		return err
	}
	return f.failed(os.MkdirAll(f.staged(codeDir), 0o755))
}

func (f *Folder) unstage() error { return f.failed(os.RemoveAll(f.staged())) }

func (f *Folder) staged(name ...string) string {
	return filepath.Join(append([]string{f.dir, stageDir}, name...)...)
}

// check reads the written files as a builder will, and compares them with the project: both must give the same image.
func (f *Folder) check(ctx context.Context) error {
	got, err := project.Read(f.staged(), project.Options{File: f.staged(dockerfile)})
	if err != nil {
		return fmt.Errorf("checking the written build folder: %w", err)
	}
	want := f.project
	same, err := sameRuntime(*got.Runtime, *want.Runtime)
	if err != nil {
		return err
	}
	if !same {
		return cmp.Or(want.CompareReads(got), errors.New("the runtime file would have another meaning in the build folder: "+
			"write its fields without anchors and aliases"))
	}
	if err := got.ComputeTags(ctx, want.Tags.Repository); err != nil {
		return fmt.Errorf("checking the written build folder: %w", err)
	}
	if got.Tags != want.Tags || got.Tree.Copied != want.Tree.Copied {
		return cmp.Or(want.CompareReads(got), fmt.Errorf("the build folder %s has the source tag %s, but the project has %s: try again",
			f.dir, got.Tags.Source, want.Tags.Source))
	}
	return nil
}

// sameRuntime reports whether two runtimes give the same image. It ignores the repository, which does not change the image.
func sameRuntime(a, b profile.Runtime) (bool, error) {
	a.Repository, b.Repository = "", ""
	a.Ignore, b.Ignore = a.OtherIgnore(), b.OtherIgnore() // the folder has the runtime file in another place
	one, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	other, err := json.Marshal(b)
	return bytes.Equal(one, other), err
}

// publish moves the written files to their place. A run that is killed meanwhile leaves a folder without code/, which does not
// build.
func (f *Folder) publish() error {
	err := os.RemoveAll(filepath.Join(f.dir, codeDir))
	for _, name := range []string{dockerfile, codeDir} {
		if err == nil {
			err = os.Rename(f.staged(name), filepath.Join(f.dir, name))
		}
	}
	return f.failed(err)
}

// appendConfig adds the tags to config.sh, with the names that OpenHands' build.sh reads.
func (f *Folder) appendConfig() error {
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

// failed adds to an error the folder and what to do. It returns nil for nil.
func (f *Folder) failed(err error) error {
	if err == nil {
		return nil
	}
	advice := "check the directory, or give another --build-folder"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "free some space there, or give another --build-folder"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		advice = "make it writable for this user, or give another --build-folder"
	}
	return fmt.Errorf("writing the build folder %s: %w: %s", f.dir, err, advice)
}
