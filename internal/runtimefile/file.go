// Package runtimefile parses runtime.yaml into values with their positions. It knows the form of each field, but no profile: package
// profile knows meanings and defaults.
//
// Two places define the fields: the tables in fields.go, and runtime.schema.json for editors. A test compares the two.
package runtimefile

import (
	"cmp"
	"errors"
	"io/fs"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// Name is the name of a project's runtime file.
const Name = "runtime.yaml"

// Known holds the words that a file may choose from.
type Known struct {
	Profiles []string
	Managers []string // of dependencies, including "none"
	Tools    []string // that need no url, because a profile downloads them anyway
}

// File holds the fields that a runtime file sets. The zero value of a field means that it is not set.
type File struct {
	Profile      string
	Base         string
	Repository   string
	Version      string
	Directory    string // of the project in the context; empty: the context itself
	Interpreter  Interpreter
	Prefix       string
	User         User                // its fields may be set separately; "root" has no ids
	Packages     map[string][]string // by package manager; "" is for whichever the base has. Sorted and unique
	NoPackages   bool                // packages: []
	Components   map[string]bool
	Tools        []Tool
	Dependencies Dependencies
	Project      string // ProjectEditable or ProjectNone
	Bytecode     llb.Bytecode
	Build        *Build   // nil: not set
	Source       []Source // by path
	Ignore       []string
	Env          map[string]string
	Args         []string // build arguments that are in no tag; sorted and unique
	Entrypoint   []string // an empty list is set, nil is not
	Cmd          []string // likewise
	Workdir      string
	Expose       []string                      // "8080/tcp"; by protocol and port
	Healthcheck  *dockerspec.HealthcheckConfig // nil: not set
	StopSignal   string
	Volumes      []string // sorted and unique
	Extra        string
	Tests        []llb.Test
	Mirrors      map[string]string // address prefix -> its replacement

	document *document
}

// Interpreter is the language runtime of the dependencies: the name "node" or "python", and a version prefix such as "22" or "3.12". Any
// version satisfies an empty one.
type Interpreter struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	From    string `json:"from,omitempty"` // llb.FromStandalone, or empty; only for python
}

// User is the owner of dependencies and source. The name "root" means that no user is made.
type User struct {
	Name string `json:"name"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
}

// Tool is a pinned download that is unpacked into the image.
type Tool struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	URL     string            `json:"url"`    // with placeholders {version} and {arch}; empty: rtbuild knows it
	SHA256  map[string]string `json:"sha256"` // hex, by OCI architecture; "" skips the check
	To      string            `json:"to"`     // a directory below the prefix
}

// Dependencies names the package manager and the lock files.
type Dependencies struct {
	Manager   string   `json:"manager"`             // npm, pnpm, yarn, bun, pip, poetry, uv or none
	Files     []string `json:"files,omitempty"`     // lock files relative to the context, in the order of the hash
	Installer string   `json:"installer,omitempty"` // InstallerUV or InstallerPoetry; only for the manager poetry

	Extras []string `json:"extras,omitempty"` // of a Python project, by normalised name; sorted and unique
	Groups []string `json:"groups,omitempty"` // of dependencies, besides those that the manager installs in production; as Extras

	Env map[string]string `json:"env,omitempty"` // variables of the steps that install them; no image has them
}

// The programs that can install what Poetry reads from poetry.lock.
const (
	InstallerUV     = "uv"
	InstallerPoetry = "poetry"
)

// What becomes of a Python project itself.
const (
	ProjectEditable = "editable" // it is installed, and its modules stay in the source
	ProjectNone     = "none"     // only its dependencies are installed
)

// Source is a path of the context to copy below the code directory.
type Source struct {
	Path     string `json:"path"`
	Hash     bool   `json:"hash"`
	Optional bool   `json:"-"` // it may be missing; only profiles set this
}

// Read parses a runtime file of a project. An empty name means [Name], which may be missing.
func Read(fsys fs.FS, name string, known Known) (*File, error) {
	data, err := ReadRuntime(fsys, cmp.Or(name, Name))
	if err != nil && (name != "" || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	if err == nil && data == nil {
		data = []byte{} // the file exists and is empty
	}
	return Parse(cmp.Or(name, Name), data, known)
}

// Parse parses the text of a runtime file. Nil data means that there is no file. A syntax or type error is a [*projectfile.Error].
func Parse(name string, data []byte, known Known) (*File, error) {
	if n := int64(len(data)); n > projectfile.ManifestLimit {
		return nil, projectfile.TooLarge(name, n, projectfile.ManifestLimit)
	}
	d, err := parseDocument(projectfile.Text{Name: name, Data: data})
	if err != nil {
		return nil, err
	}
	d.known = known
	f := &File{document: d}
	if d.root == nil {
		return f, nil
	}
	return f, fileFields.read(d, d.root, "the file", f)
}

// Text returns the file's name and text. The text is nil if there is no file.
func (f *File) Text() (name string, data []byte) {
	if f.document == nil {
		return "", nil
	}
	return f.document.Name, f.document.Data
}
