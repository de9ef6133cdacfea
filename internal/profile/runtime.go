// Package profile reads runtime.yaml and the built-in profiles and gives the runtime that is to be built, all defaults
// applied. Its errors point at the line that caused them.
//
// A value comes from the first of these that gives one: the command line, the file, the project (its version, its start
// command, the lock files that others refer to), the profile. Profiles are data (profiles.go). What the file may hold is
// said twice, by the tables in fields.go and by runtime.schema.json for editors; a test holds the two together.
package profile

// Runtime is a runtime.yaml with every default of its profile applied. It is a value that the graph is drawn from.
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

	given given
}

// given is what must be known of a Runtime to tell what its user set from what was derived.
type given struct {
	dependencies Dependencies // without the files that others refer to
	cmd          []string     // the default
	noPackages   bool         // packages: []
	ignore       []string     // the file's own
	document     *document    // the file; nil if the runtime was not loaded
	overridden   []string     // the fields that the command line says instead of the file
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
	URL     string            `json:"url"`    // {version} and {arch} are replaced
	SHA256  map[string]string `json:"sha256"` // by OCI architecture, hex; "" is not verified
	To      string            `json:"to"`     // a directory below the prefix

	Arch  map[string]string `json:"-"` // what the publisher calls architectures, by OCI's names; those not in it are called alike
	Glibc string            `json:"-"` // the oldest that runs it; empty: any C library
}

// Dependencies says who installs what the lock files name.
type Dependencies struct {
	Manager string   `json:"manager"`         // npm, pip, poetry, uv or none
	Files   []string `json:"files,omitempty"` // relative to the context, the lock files in the order in which they are hashed
}

// Source is a path of the context that is copied into the image, below Code.
type Source struct {
	Path     string `json:"path"`
	Hash     bool   `json:"hash"`
	Optional bool   `json:"-"` // no error where it does not exist
}

// NoPackages reports whether the file says packages: [], so that no package manager is asked for anything.
func (r *Runtime) NoPackages() bool { return r.given.noPackages }

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
