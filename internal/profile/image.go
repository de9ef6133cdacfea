package profile

import (
	"slices"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// Image returns the contents of the runtime's image.
func (r *Runtime) Image() *llb.Runtime {
	d := definitionOf(r.Profile)
	image := d.image
	image.Profile, image.Version, image.Base, image.Prefix = r.Profile, r.Version, r.Base, r.Prefix
	image.User.Name, image.User.UID, image.User.GID = r.User.Name, r.User.UID, r.User.GID
	image.Interpreter = r.interpreter()
	image.Env, image.Mirrors, image.NoPackages = r.Env, r.Mirrors, r.NoPackages()
	image.Packages = d.allPackages(r)
	image.System = chosen(d.system, r.Components)
	image.Tools = slices.Concat(chosen(d.tools, r.Components), r.extraTools())
	image.Deps = chosen(d.deps, r.Components)
	image.Installer, image.InstallEnv, image.Bytecode = d.installerOf(r), r.Dependencies.Env, r.Bytecode
	image.Project = r.Project
	image.Releases = r.pinned()
	image.BuildPackages = union(r.BuildPackages)
	if b := r.Build; b != nil {
		image.Build = &llb.Build{Run: b.Run, Env: b.Env, Outputs: b.Outputs, Without: d.notBuilt, Network: b.Network}
	}
	for _, s := range r.Source {
		image.Source = append(image.Source, s.Path)
	}
	image.SourceCopies = chosen(d.copies, r.Components)
	image.Entrypoint, image.Cmd, image.Workdir, image.Expose, image.Extra = r.Entrypoint, r.Cmd, r.Workdir, r.Expose, r.Extra
	image.Healthcheck, image.StopSignal, image.Volumes = r.Healthcheck, r.StopSignal, r.Volumes
	image.Tests, image.Args = r.Tests, r.Args
	return &image
}

// interpreter returns the interpreter of the image.
func (r *Runtime) interpreter() llb.Interpreter {
	i := r.Interpreter
	return llb.Interpreter{Name: i.Name, Version: i.Version, Range: r.PythonRange, Pinned: r.PythonPinned, From: i.From}
}

// installers are the installers of package managers.
var installers = map[string]func(*Runtime) llb.Installer{
	"npm":  func(r *Runtime) llb.Installer { return llb.NPM{PatchPackage: r.PatchPackage == PatchesApplied} },
	"pnpm": func(r *Runtime) llb.Installer { return llb.PNPM{Version: r.ManagerVersion} },
	"bun":  func(r *Runtime) llb.Installer { return llb.Bun{Version: r.ManagerVersion} },
	"yarn": func(r *Runtime) llb.Installer { return llb.Yarn{Version: r.ManagerVersion} },
	"pip": func(r *Runtime) llb.Installer {
		return llb.Pip{Requirements: r.Dependencies.Files[0], LeftOut: r.provenance.editable.Lines, Conditional: r.provenance.requirements.Conditional}
	},
	"poetry": func(r *Runtime) llb.Installer {
		if r.Dependencies.Installer == runtimefile.InstallerPoetry {
			return llb.Poetry{Groups: r.provenance.extras.Groups, Extras: r.provenance.extras.Extras}
		}
		return llb.PoetryLock{Groups: append([]string{"main"}, r.provenance.extras.Groups...), Extras: r.provenance.extras.Extras, LeftOut: r.provenance.installed}
	},
	"pdm": func(r *Runtime) llb.Installer {
		return llb.PDM{Groups: r.pdmGroups()}
	},
	"pylock": func(r *Runtime) llb.Installer { return llb.Pylock{} },
	"uv": func(r *Runtime) llb.Installer {
		return llb.UVSync{
			Version: r.provenance.uv, Archives: r.provenance.archives, LeftOut: r.provenance.installed,
			Package: r.provenance.member, Extras: r.Dependencies.Extras, Groups: append(slices.Clone(r.provenance.groups), r.Dependencies.Groups...),
		}
	},
}

// installerOf returns the installer of the dependencies, or nil if there is nothing to install.
func (d definition) installerOf(r *Runtime) llb.Installer {
	if installer, ok := d.installers[r.Dependencies.Installer]; ok {
		return installer
	}
	if installer, ok := installers[r.Dependencies.Manager]; ok {
		return installer(r)
	}
	return nil
}

// allPackages returns the packages of the file and the profile, by layer. The file's are in the first layer.
func (d definition) allPackages(r *Runtime) []llb.Packages {
	layers := []llb.Packages{union(r.Packages)}
	for i, parts := range d.packages {
		if i == len(layers) {
			layers = append(layers, nil)
		}
		layers[i] = union(append(chosen(parts, r.Components), layers[i])...)
	}
	return layers
}

func union(lists ...llb.Packages) llb.Packages {
	all := llb.Packages{}
	for _, list := range lists {
		for key, names := range list {
			all[key] = append(all[key], names...)
		}
	}
	return all
}
