package profile

import (
	"io/fs"
	"slices"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
)

// caches are patterns of what build programs leave for their next run.
var caches = []string{"**/.cache", "**/.next/cache", "**/*.tsbuildinfo"}

// buildFacts returns the fields of a build that decide what is made of the source.
func buildFacts(b *Build) map[string]any {
	e := extra{"run": b.Run}
	e.add("outputs", b.Outputs, []string(nil))
	e.add("env", b.Env, map[string]string(nil))
	e.add("network", b.Network, false)
	return e
}

// completeBuild sets the build command: the file's, else the profile's own, if the project has one that makes the command's file.
func (d definition) completeBuild(fsys fs.FS, r *Runtime) error {
	given := r.file().Build
	if given != nil {
		r.BuildPackages = given.Packages
	}
	if given != nil && (given.None || given.Run != nil) {
		if !given.None {
			r.Build = given
		}
		return nil
	}
	run, err := d.build(fsys, r)
	switch {
	case err != nil:
		return err
	case given != nil && run == nil && given.ForCommand():
		return r.file().FieldErrorf("build", "write run: COMMAND below build", "build names no command, and the project has none of its own")
	case run == nil:
		return nil
	}
	build := Build{Run: run}
	if given != nil {
		build = *given
		build.Run = run
	}
	r.Build = &build
	return nil
}

// npmBuild returns the command that runs the script build, if the project has one. Unless the file says build, it does so only if the file
// that a container would start is not there, and no extra command could make it. npm runs the
// scripts of all projects: --force is for those whose devEngines asks for another manager.
func npmBuild(fsys fs.FS, r *Runtime) ([]string, error) {
	project, err := manifests.ReadNPM(r.own(fsys))
	if err != nil || !project.Builds() {
		return nil, err
	}
	if r.file().Build == nil && (r.Extra != "" || project.Starts(r.sourceFiles(fsys), slices.Concat(r.Entrypoint, r.Cmd))) {
		return nil, nil
	}
	npm := []string{"npm"}
	if refuses, err := manifests.RefusesNPM(r.own(fsys)); err != nil {
		return nil, err
	} else if refuses {
		npm = append(npm, "--force")
	}
	if r.Directory != "" {
		npm = append(npm, "--prefix", r.Directory) // build commands run in the code directory
	}
	return append(npm, "run", "build"), nil
}

func noBuild(fs.FS, *Runtime) ([]string, error) { return nil, nil }
