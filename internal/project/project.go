// Package project reads a context directory: the runtime that its files describe, and the tags of that runtime.
//
// The directory may change while it is read, or before it is built. So this package compares the files that it has read with
// those that it hashes later. If one differs, the error is a *tags.ChangedError, and [RetryChanged] starts over.
package project

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/gitindex"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/tags"
)

// Project is the content of a context directory.
type Project struct {
	Root    string           // the directory: an absolute path without links
	Files   fs.FS            // the same directory, without following links that leave it
	Runtime *profile.Runtime // what the image is made of
	Inputs  tags.Inputs      // what the tags are made from; ComputeTags fills in Repository
	Options Options          // those of Read

	Tags tags.Set   // the zero value until ComputeTags or NameTags
	Tree *tags.Tree // nil until ComputeTags or NameTags

	Warnings []string // what the user should know about the tags

	sums map[string]string // SHA-256 of each file that Runtime was read from, by name
}

// Options are settings of the user that are not in the project.
type Options struct {
	// File is the runtime file: relative to the working directory, else to the context. If it is empty, Read uses runtime.yaml
	// in the context, if there is one.
	File string
	// Overrides take precedence over the runtime file. Read sets Name and Data itself.
	Overrides profile.Options
}

// Read reads the runtime of the context directory dir. It computes no tags, because those need a repository.
//
// The error is a *tags.ChangedError if a file was read twice with different contents, and a *projectfile.Error if the content of
// a file is wrong.
func Read(dir string, opts Options) (*Project, error) {
	root, err := contextDir(dir)
	if err != nil {
		return nil, err
	}
	overrides := opts.Overrides
	if overrides.Name, overrides.Data, err = readRuntimeFile(root, opts.File); err != nil {
		return nil, err
	}
	if root, err = projectRoot(root, overrides.Data); err != nil {
		return nil, err
	}
	if root, err = contextAbove(root, &overrides); err != nil {
		return nil, err
	}
	p, err := load(root, overrides)
	var noLock *profile.NoLockError
	if errors.As(err, &noLock) {
		err = adviseContext(root, err)
	}
	if err != nil {
		return nil, err
	}
	p.Options = opts
	return p, nil
}

func load(root string, opts profile.Options) (*Project, error) {
	files, err := projectfile.Confined(root)
	if err != nil {
		return nil, err
	}
	rec := newRecorder(files)
	runtime, err := profile.Load(rec, opts)
	if name := rec.changed(); name != "" {
		return nil, &tags.ChangedError{Path: name, Err: errors.New("it was read twice, with different contents")}
	}
	if err != nil {
		return nil, err
	}
	p := &Project{Root: root, Files: files, Runtime: runtime, Inputs: runtime.TagInputs(), sums: rec.sums()}
	p.Inputs.Source.Checkout, err = gitindex.Read(root)
	if unreadable := new(gitindex.UnreadableError); errors.As(err, &unreadable) {
		p.Warnings, err = append(p.Warnings, err.Error()), nil
	}
	return p, err
}

// Name returns the name of the project's directory, which is not that of the context if the runtime file names a directory in it.
func (p *Project) Name() string {
	return filepath.Base(filepath.Join(p.Root, filepath.FromSlash(p.Runtime.Directory)))
}

// ComputeTags hashes the project's files and sets Tags and Tree. Without a repository, Tags has no references.
//
// The error is a *tags.ChangedError if a file has changed since Read, or one of [tags.Compute]. A link that leaves the context is
// an error too, because no builder can follow it.
func (p *Project) ComputeTags(ctx context.Context, repository string) error {
	p.Inputs.Repository = repository
	var err error
	if p.Tags, p.Tree, err = tags.Compute(ctx, p.Root, p.Inputs); err != nil {
		return asChanged(err)
	}
	return p.check()
}

// Scan hashes the source, which is the same for every base image. Pass the result to NameTags for one base after the other.
func (p *Project) Scan(ctx context.Context) (*tags.Tree, error) {
	tree, err := tags.Scan(ctx, p.Root, p.Inputs.Source)
	return tree, asChanged(err)
}

// NameTags is ComputeTags with the result of Scan, for this project or another with the same context and source paths.
func (p *Project) NameTags(ctx context.Context, tree *tags.Tree, repository string) error {
	p.Inputs.Repository = repository
	var err error
	if p.Tags, err = tree.Names(ctx, nil, p.Inputs); err != nil {
		return asChanged(err)
	}
	p.Tree = tree
	return p.check()
}

// asChanged turns an error about a file that changed while it was hashed into a *tags.ChangedError.
func asChanged(err error) error {
	var at *tags.PathError
	if errors.Is(err, tags.ErrChanged) && errors.As(err, &at) {
		return &tags.ChangedError{Path: at.Path, Err: at.Err}
	}
	return err
}

func (p *Project) check() error {
	if err := p.checkLinks(); err != nil {
		return err
	}
	return p.checkRead()
}

// checkRead compares the files that the runtime was read from, such as package.json, with those that were hashed later.
func (p *Project) checkRead() error {
	for _, e := range slices.Concat(p.Tree.LockFiles, p.Tree.Entries) {
		if sum, read := p.sums[e.Path]; read && e.Mode.IsRegular() && sum != string(e.SHA256[:]) {
			return &tags.ChangedError{Path: e.Path, Err: errors.New("it was read and hashed with different contents")}
		}
	}
	return nil
}

// checkLinks refuses links that leave the context: their targets were not hashed, and no builder can follow them. An absolute link into the
// context leaves that of another checkout, and of a builder. OpenHands' build follows it.
func (p *Project) checkLinks() error {
	links := slices.Clone(p.Tree.Outside)
	if !p.Inputs.Source.Original {
		links = append(links, p.Tree.Absolute...)
		slices.Sort(links)
		links = slices.Compact(links)
	}
	if len(links) == 0 {
		return nil
	}
	return fmt.Errorf("the source has links that leave the context, which no builder can follow: %s\n"+
		"make those to files of the context relative (ln -sr), copy what others point to into the context, or add them to ignore", strings.Join(links, ", "))
}
