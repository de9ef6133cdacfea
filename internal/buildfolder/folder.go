// Package buildfolder writes a folder from which another program, such as docker buildx build, builds a project's image.
// OpenHands' own runtime_build.py writes such folders with --build_folder, and its build.sh reads their config.sh.
//
// A folder holds code/ and Dockerfile. code/ has all files that are hashed or copied, and the lock files. Dockerfile is the
// runtime file, with the settings from flags, the environment and other files of the project written into it. The folder has the
// same tags as the project.
package buildfolder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rtbuild/rtbuild/internal/project"
)

// The content of a folder.
const (
	codeDir    = "code"
	dockerfile = "Dockerfile"
	configFile = "config.sh"
	stageDir   = ".rtbuild-prepare" // only while the folder is written
)

// Folder is a build folder of a project.
type Folder struct {
	dir     string // absolute, without links
	project *project.Project
}

// New checks that a build folder in dir does no harm. It writes nothing. It refuses a directory that contains the project, one with
// a Dockerfile or code/ that no Folder wrote, and one in the project's source: each run would change the tags. It is an error, too, if dir
// is a file or cannot be read. The errors have no type.
func New(dir string, p *project.Project) (*Folder, error) {
	real, err := resolveDir(dir)
	if err != nil {
		return nil, fmt.Errorf("build folder %s: %w: give another --build-folder", dir, err)
	}
	f := &Folder{dir: real, project: p}
	if inside(real, p.Root) {
		return nil, fmt.Errorf("build folder %s: it contains the project: give a folder next to the project, or below it", dir)
	}
	for _, check := range []func() error{f.checkOwned, f.checkUnhashed} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("build folder %s: %w", dir, err)
		}
	}
	return f, nil
}

// resolveDir returns the absolute path of a directory. It follows links in the part of the path that exists.
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

// inside reports whether a path is the directory dir or lies in it.
func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// checkOwned refuses a directory with files of these names that no Folder wrote.
func (f *Folder) checkOwned() error {
	data, err := os.ReadFile(filepath.Join(f.dir, dockerfile))
	if err == nil && strings.Contains(string(data), madeLine+"\n") {
		return nil
	}
	for _, name := range []string{dockerfile, codeDir} {
		_, err := os.Lstat(filepath.Join(f.dir, name))
		if err == nil {
			return fmt.Errorf("its %s was not made by prepare: remove it, or give another --build-folder", name)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkUnhashed refuses a folder in the source, which the next run would hash.
func (f *Folder) checkUnhashed() error {
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

// elsewhere advises where to put the folder. OpenHands' own rules for the source have no ignore list.
func (f *Folder) elsewhere() string {
	if f.project.Inputs.Source.Original {
		return "give a folder outside of the source"
	}
	return "give a folder outside of the source, or name this one in .dockerignore"
}
