package profile

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// completeCommand sets the default command, unless the user sets an entrypoint: the command would become its arguments. It needs the
// ignore patterns.
func (d definition) completeCommand(fsys fs.FS, r *Runtime) error {
	command, err := d.command(r.own(fsys), r.imageFiles(fsys))
	if err != nil {
		return err
	}
	r.provenance.cmd = command
	if d.first != nil {
		r.provenance.cmd, err = d.first(r.own(fsys))
	}
	if r.Cmd == nil && r.Entrypoint == nil {
		if r.Cmd = command; command == nil {
			r.Cmd = r.projectCommand()
		}
	}
	return err
}

// imageFiles returns a function that reports whether the image has a file of the project: the source has it, or a step may make it.
func (r *Runtime) imageFiles(fsys fs.FS) func(string) bool {
	source := r.sourceFiles(fsys)
	return func(file string) bool {
		local := strings.TrimPrefix(file, r.Code()+"/")
		return fs.ValidPath(local) && r.mayMake(fsys, local) || source(file)
	}
}

// sourceFiles returns a function that reports whether the source has a file of the project. Ignore patterns may leave it out.
func (r *Runtime) sourceFiles(fsys fs.FS) func(string) bool {
	ignored, err := patternmatcher.New(r.Ignore)
	if err != nil {
		return func(string) bool { return false } // the scan of the source reports the pattern
	}
	return func(file string) bool {
		file = r.inContext(file)
		if !fs.ValidPath(file) {
			return false
		}
		hidden, err := ignored.MatchesOrParentMatches(file)
		return err == nil && !hidden && r.copies(file) && projectfile.Exists(fsys, file)
	}
}

// copies reports whether a file is in a source path.
func (r *Runtime) copies(file string) bool {
	return slices.ContainsFunc(r.Source, func(s Source) bool {
		return s.Path == "." || s.Path == file || strings.HasPrefix(file, s.Path+"/")
	})
}

// mayMake reports whether a step of the build may make a file that is not in the source. Steps compile into directories, not beside the
// manifests.
func (r *Runtime) mayMake(fsys fs.FS, file string) bool {
	return path.Dir(file) != "." && (r.Extra != "" || r.mayBuild(fsys))
}

// mayBuild reports whether there may be a build command. Whether a script of the project is one depends on the start command.
func (r *Runtime) mayBuild(fsys fs.FS) bool {
	if given := r.file().Build; given != nil {
		return !given.None
	}
	project, err := manifests.ReadNPM(r.own(fsys))
	return err == nil && r.Profile == "node" && project.Builds()
}
