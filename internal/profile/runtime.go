// Package profile holds the built-in profiles and resolves a project: its runtime file and its tree in, what its image is made of
// (llb.Runtime) and what its tags depend on (tags.Inputs) out.
//
// A value comes from the first of these that gives one: the command line, the file, the project (its version, its start
// command, the lock files that others refer to), the profile. Profiles are data (definitions.go).
package profile

import (
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// Runtime is a runtime.yaml with every default of its profile applied. Image is what its image is made of, TagInputs what its tags depend on.
type Runtime struct {
	Profile      string
	Base         string
	Repository   string // empty: not said
	Version      string
	Interpreter  Interpreter
	Prefix       string
	User         User
	Packages     map[string][]string // by package manager; "" is for whichever the base has. Sorted and unique
	Components   map[string]bool
	Tools        []Tool
	Dependencies Dependencies
	Source       []Source // by path
	Ignore       []string // patterns in .dockerignore's syntax, the last that matches decides: .dockerignore's, the file's, the profile's
	Env          map[string]string
	Entrypoint   []string // nil: the base's
	Cmd          []string // nil: the base's
	Workdir      string   // "" is the code directory
	Expose       []string // "8080/tcp"; by protocol and port
	Extra        string
	Mirrors      map[string]string // address prefix -> its replacement

	provenance provenance
}

// provenance is what must be known of a Runtime to tell what its user set from what was derived.
type provenance struct {
	dependencies Dependencies      // without the files that others refer to
	cmd          []string          // the default
	file         *runtimefile.File // nil if the runtime was not loaded
	overridden   []string          // the fields that the command line says instead of the file
}

// file is the runtime file; empty if there is none.
func (r *Runtime) file() *runtimefile.File {
	if r.provenance.file == nil {
		return &runtimefile.File{}
	}
	return r.provenance.file
}

// File is the runtime file's name and text. The text is nil if there is no such file.
func (r *Runtime) File() (name string, data []byte) { return r.file().Text() }

// OwnIgnore is the runtime file's own part of Ignore, which stands between .dockerignore's and the profile's.
func (r *Runtime) OwnIgnore() []string { return r.file().Ignore }

// Location is where the runtime file sets a field: see runtimefile.File. What the command line overrides is not set there.
func (r *Runtime) Location(field string) projectfile.SourceLocation {
	return r.file().Location(field, r.provenance.overridden...)
}

type (
	// Interpreter is what "runtime" of a runtime file says.
	Interpreter = runtimefile.Interpreter
	// User is what "user" of a runtime file says.
	User = runtimefile.User
	// Tool is an item of a runtime file's "tools".
	Tool = runtimefile.Tool
	// Dependencies is what "dependencies" of a runtime file says.
	Dependencies = runtimefile.Dependencies
	// Source is an item of a runtime file's "source".
	Source = runtimefile.Source
)

// NoPackages reports whether the file says packages: [], so that no package manager is asked for anything.
func (r *Runtime) NoPackages() bool { return r.file().NoPackages }

// Code is the directory in the image that holds the source, prefix + "/code".
func (r *Runtime) Code() string { return r.Prefix + "/code" }

// SourceApart reports whether no dependencies lie where the source does, so that an older source can be taken away by its
// directory from an image that does not say what it holds.
func (r *Runtime) SourceApart() bool {
	for _, source := range r.Source {
		if source.Path == "." && r.Dependencies.Manager == "npm" {
			return false
		}
	}
	return true
}
