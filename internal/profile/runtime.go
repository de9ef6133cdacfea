// Package profile holds the built-in profiles and resolves a project. From its runtime file and its tree, it makes the contents of its
// image ([llb.Runtime]) and the inputs of its tags ([tags.Inputs]).
//
// A value comes from the first of these that sets it: the command line, the file, the project (its version, its start command, the lock
// files that others refer to), the profile. Profiles are data (definitions.go).
package profile

import (
	"path"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// Runtime is a runtime.yaml with all defaults of its profile applied. Image returns the contents of its image, and TagInputs the inputs of
// its tags.
type Runtime struct {
	Profile       string
	Base          string
	Repository    string // may be empty
	Version       string
	Directory     string // of the project in the context; empty: the context itself
	Interpreter   Interpreter
	PythonRange   llb.PythonRange // what the project accepts
	PythonPinned  string          // the version to download where base and distribution have no fitting one; empty: none
	Prefix        string
	User          User
	Packages      map[string][]string // by package manager; "" is for whichever the base has. Sorted and unique
	Components    map[string]bool
	Tools         []Tool
	Dependencies  Dependencies        // without an installer for the default, uv
	Project       []llb.Distribution  // the Python projects of the source to install, the root's first
	PatchPackage  Patching            // of npm packages
	Bytecode      llb.Bytecode        // empty: the language is not Python
	Build         *Build              // nil: there is no build command
	BuildPackages map[string][]string // for the build command and the installation of dependencies; as Packages
	Source        []Source            // by path
	Ignore        []string            // patterns in .dockerignore's syntax, the last that matches decides: .dockerignore's, the file's, the profile's, exceptions of the first two
	Env           map[string]string
	Args          []string                      // names of build arguments that are in no tag
	Entrypoint    []string                      // nil: the base's
	Cmd           []string                      // nil: the base's
	Workdir       string                        // "" is the code directory
	Expose        []string                      // "8080/tcp"; by protocol and port
	Healthcheck   *dockerspec.HealthcheckConfig // nil: the base's
	StopSignal    string                        // empty: the base's
	Volumes       []string                      // besides the base's
	Extra         string
	Tests         []llb.Test
	Mirrors       map[string]string // address prefix -> its replacement

	// ManagerVersion is the version of the package manager, such as "10", if the project decides it: of managers of Node.js beside npm.
	ManagerVersion string

	provenance provenance
}

// Patching says what becomes of the patches of a project whose own install script is patch-package.
type Patching string

// The ways of patching. A project without such a script, or without patches, has none.
const (
	PatchesApplied Patching = "applied" // once the dependencies are installed
	PatchesNot     Patching = "not"     // patch-package is not among the installed dependencies
)

// provenance says which values of a Runtime its user set.
type provenance struct {
	dependencies Dependencies             // without the files that others refer to
	cmd          []string                 // the command that leaves no trace in a tag; see Runtime.commandMatters
	ignore       []string                 // the patterns of .dockerignore and of the file
	version      string                   // that the user gives
	notes        []string                 // see Notes
	installed    []string                 // names of the projects that the manager leaves out
	requirements manifests.Requirements   // pip's
	editable     manifests.Editable       // what they install from the context
	extras       manifests.Choice         // what the file chooses of the project, as the project writes it
	archives     bool                     // the manager installs archives of the context
	uv           string                   // the version of uv that installs; empty: the default
	root         *manifests.PythonProject // that the manager begins with; nil if there is none, or it is not to be looked at
	member       string                   // its name, if it is a member of uv's workspace, in the project's directory
	groups       []string                 // that uv installs of the member by default
	file         *runtimefile.File        // nil if the runtime was not loaded
	self         string                   // the pattern for the runtime file, if it has another name
	overridden   []string                 // the fields that the command line overrides
}

// file returns the runtime file, or an empty one if there is none.
func (r *Runtime) file() *runtimefile.File {
	if r.provenance.file == nil {
		return &runtimefile.File{}
	}
	return r.provenance.file
}

// File returns the runtime file's name and text. The text is nil if there is no such file.
func (r *Runtime) File() (name string, data []byte) { return r.file().Text() }

// OwnIgnore returns the runtime file's part of Ignore. It comes after .dockerignore's and before the profile's.
func (r *Runtime) OwnIgnore() []string { return r.file().Ignore }

// Location returns the position at which the runtime file sets a field; see [runtimefile.File.Location]. An option that overrides the field
// hides its position.
func (r *Runtime) Location(field string) projectfile.SourceLocation {
	return r.file().Location(field, r.provenance.overridden...)
}

type (
	// Interpreter is the value of "runtime" in a runtime file.
	Interpreter = runtimefile.Interpreter
	// User is the value of "user" in a runtime file.
	User = runtimefile.User
	// Tool is an item of a runtime file's "tools".
	Tool = runtimefile.Tool
	// Dependencies is the value of "dependencies" in a runtime file.
	Dependencies = runtimefile.Dependencies
	// Build is the value of "build" in a runtime file.
	Build = runtimefile.Build
	// Source is an item of a runtime file's "source".
	Source = runtimefile.Source
)

// DetectsBuild reports whether the build command is the project's own, and the file does not ask for it.
func (r *Runtime) DetectsBuild() bool { return r.Build != nil && r.file().Build == nil }

// RunsOnSource reports whether a build of the source alone runs commands: a build command, the extra command or tests.
func (r *Runtime) RunsOnSource() bool { return r.Build != nil || r.Extra != "" || len(r.Tests) > 0 }

// NoPackages reports whether the file says packages: []. Then the package manager installs nothing.
func (r *Runtime) NoPackages() bool { return r.file().NoPackages }

// Home returns the directory of the image that containers start in, unless the file says another: that of the project.
func (r *Runtime) Home() string { return path.Join(r.Code(), r.Directory) }

// Code returns the directory of the image that holds the source: prefix + "/code".
func (r *Runtime) Code() string { return r.Prefix + "/code" }

// SourceApart reports whether the directories of the source hold no dependencies. If so, a build can remove an older source by its
// directories from an image without labels.
func (r *Runtime) SourceApart() bool {
	for _, source := range r.Source {
		if source.Path == "." && r.Interpreter.Name == "node" && r.Dependencies.Manager != "none" {
			return false
		}
	}
	return true
}
