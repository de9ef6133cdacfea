// Package runtimefile parses runtime.yaml: a file in, values with their positions out. It knows the form of each field and no profile:
// what a value means, and its default, is package profile's.
//
// What a file may hold is said twice: by the tables in fields.go, and by runtime.schema.json for editors. A test holds the two together.
package runtimefile

import (
	"cmp"
	"errors"
	"io/fs"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// Name is where a project keeps its runtime.
const Name = "runtime.yaml"

// Known are the words that a file may choose from.
type Known struct {
	Profiles []string
	Managers []string // of dependencies, "none" among them
	Tools    []string // that need no address, because rtbuild knows where their versions are
}

// File is what a runtime file sets. The zero value of a field is: it is not set.
type File struct {
	Profile      string
	Base         string
	Repository   string
	Version      string
	Interpreter  Interpreter
	Prefix       string
	User         User                // each of its fields may be set alone; name "root" has no ids
	Packages     map[string][]string // by package manager; "" is for whichever the base has. Sorted and unique
	NoPackages   bool                // packages: []
	Components   map[string]bool
	Tools        []Tool
	Dependencies Dependencies
	Source       []Source // by path
	Ignore       []string
	Env          map[string]string
	Entrypoint   []string // an empty list is set, nil is not
	Cmd          []string // likewise
	Workdir      string
	Expose       []string // "8080/tcp"; by protocol and port
	Extra        string
	Mirrors      map[string]string // address prefix -> its replacement

	document *document
}

// Interpreter is the language runtime that the dependencies need: name "node" or "python" and a version prefix such
// as "22" or "3.12". An empty version is satisfied by any.
type Interpreter struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// User is who owns the dependencies and the source. Name "root" means that no user is made.
type User struct {
	Name string `json:"name"`
	UID  int    `json:"uid"`
	GID  int    `json:"gid"`
}

// Tool is a pinned download that is unpacked into the image.
type Tool struct {
	Name    string            `json:"name"`
	Version string            `json:"version"`
	URL     string            `json:"url"`    // {version} and {arch} are replaced; empty: rtbuild knows it
	SHA256  map[string]string `json:"sha256"` // by OCI architecture, hex; "" is not verified
	To      string            `json:"to"`     // a directory below the prefix
}

// Dependencies says who installs what the lock files name.
type Dependencies struct {
	Manager string   `json:"manager"`         // npm, pip, poetry, uv or none
	Files   []string `json:"files,omitempty"` // relative to the context, the lock files in the order in which they are hashed
}

// Source is a path of the context that is copied into the image, below the code directory.
type Source struct {
	Path     string `json:"path"`
	Hash     bool   `json:"hash"`
	Optional bool   `json:"-"` // no error if it does not exist; no file says so, but profiles do
}

// Read parses a runtime file of a project. An empty name is [Name], which need not be there.
func Read(fsys fs.FS, name string, known Known) (*File, error) {
	data, err := ReadRuntime(fsys, cmp.Or(name, Name))
	if err != nil && (name != "" || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	if err == nil && data == nil {
		data = []byte{} // it is there, and empty
	}
	return Parse(cmp.Or(name, Name), data, known)
}

// Parse parses the text of a runtime file. Nil is: there is no file, and nothing is set. What is wrong is a *projectfile.Error.
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

// Text gives the file's name and text. The text is nil if there is no file.
func (f *File) Text() (name string, data []byte) {
	if f.document == nil {
		return "", nil
	}
	return f.document.Name, f.document.Data
}
