// Package profile reads runtime.yaml and the built-in profiles and gives the runtime that is to be built, all defaults
// applied. Its errors point at the line that caused them.
package profile

// Runtime is a runtime.yaml with every default of its profile applied. It is a value that the graph is drawn from.
type Runtime struct {
	Profile      string
	Base         string
	Repository   string
	Version      string
	Interpreter  Interpreter
	Prefix       string
	User         User
	Packages     map[string][]string // by package manager; "" is for whichever the base has. Sorted and unique
	Components   map[string]bool
	Tools        []Tool
	Dependencies Dependencies
	Source       []Source
	Ignore       []string // patterns in .dockerignore's syntax: the profile's, the file's, .dockerignore's
	Env          map[string]string
	Entrypoint   []string // nil: the base's
	Cmd          []string // nil: the base's
	Workdir      string   // "" is the code directory
	Expose       []string
	Extra        string
	Mirrors      map[string]string // address prefix -> its replacement
}

// Interpreter is the language runtime that the dependencies need: name "node" or "python" and a version prefix such
// as "22" or "3.12". An empty version is satisfied by any.
type Interpreter struct{ Name, Version string }

// User is who owns the dependencies and the source. Name "root" means that no user is made.
type User struct {
	Name     string
	UID, GID int
}

// Tool is a pinned download that is unpacked into the image.
type Tool struct {
	Name    string
	Version string
	URL     string            // {version} and {arch} are replaced
	SHA256  map[string]string // by OCI architecture, hex
	To      string            // a directory below the prefix
}

// Dependencies says who installs what the lock files name.
type Dependencies struct {
	Manager string   // npm, pip, none (poetry and uv: see profile openhands)
	Files   []string // relative to the context, the lock files in the order in which they are hashed
}

// Source is a path of the context that is copied into the image, below Code.
type Source struct {
	Path string
	Hash bool
}

// Code is the directory in the image that holds the source, prefix + "/code".
func (r *Runtime) Code() string { return r.Prefix + "/code" }
