package llb

import "strings"

// Runtime is an agent runtime: what its image is made of, in this package's words. A profile is a value of it. What one profile has and
// another has not is a component in a list, or a trait that says what is wanted and not who wants it.
type Runtime struct {
	Profile string            // its name, for a label
	Version string            // of what the runtime holds, for a label
	Base    string            // the base image, as the user names it
	Prefix  string            // a directory of the image: all of the runtime lies below it
	User    User              // whom dependencies and source belong to
	Env     map[string]string // variables of the image, PATH aside
	Path    []string          // directories that PATH names between the runtime's own and the base's
	Mirrors map[string]string // address prefix -> its replacement

	Packages    []Packages  // of the base's package manager; each makes a layer
	NoPackages  bool        // the package manager is asked for nothing, not even for what components need
	Interpreter Interpreter // that the base must have or is given; zero: none
	System      []Component // on the packages
	Tools       []Component // behind the interpreter
	Installer   Installer   // of what the lock files name; nil: nothing is installed
	Deps        []Component // on what the installer made
	Releases    []Tool      // the downloads that components ask for by name, the newest of a name first

	// LockFiles are patterns, relative to the context, of lock files that may lie in several directories: the installer finds them all in
	// one. None: they lie where the context has them.
	LockFiles []string

	Source       []string     // the paths of the context that are copied
	SourceCopies []SourceCopy // what of the source lies elsewhere, too

	Entrypoint []string // nil: the base's
	Cmd        []string // nil: the base's
	Workdir    string   // empty: the code directory
	Expose     []string // "8080/tcp"
	Extra      string   // a shell command, run on the finished image
}

// User is whom dependencies and source belong to. Name "root" means that no user is made.
type User struct {
	Name     string
	UID, GID int

	Shell        string      // where it logs in, and what the image runs commands with; a user of the base gets it as well. Empty: /bin/sh, the base's
	Sudo         bool        // it and root become each other without a password
	OwnsPrefix   bool        // also what tools put below the prefix; else that is root's
	StartsAsRoot bool        // containers start as root, and what they start changes to the user
	Directories  []Directory // that belong to it, besides those of the code and of the installer
}

// Directory is a directory below the prefix.
type Directory struct {
	Name   string
	Shared bool // all users may write to it, and what they make there has its group
}

// Interpreter is a language runtime: name "node" or "python" and a version prefix such as "22" or "3.12". An empty version is satisfied
// by any.
type Interpreter struct{ Name, Version string }

// Packages are names of packages by package manager ("apt", "apk", "dnf", "zypper") and by distribution (os-release's ID); "" is for all.
// A name of apt's may be a choice: "libgl1|libgl1-mesa-glx" is the first that there is.
type Packages map[string][]string

// SourceCopy is a part of the source that lies elsewhere, too, or has another mode there. If it is not there, nothing is copied.
type SourceCopy struct {
	From     string // relative to the context
	To       string // a directory below the prefix, with a slash at its end
	Contents bool   // what lies in From is copied, and not From itself
	Mode     string // symbolic, as chmod takes it; empty: the source's
}

// Tool is a pinned download. As a component, it is put below the prefix: an archive unpacked, any other file executable.
type Tool struct {
	Name    string
	Version string
	URL     string            // {version} and {arch} are replaced
	SHA256  map[string]string // by OCI architecture, hex; "" is not verified
	To      string            // a directory below the prefix

	Arch    map[string]string // what the publisher calls architectures, by OCI's names; those not in it are called alike
	Glibc   string            // the oldest that runs it; empty: any C library
	Without string            // how to do without it, for errors; empty: it is needed
	Chosen  bool              // by the user: it is taken whichever version a component asks for
}

// Address is where the tool for an architecture (OCI's name) is, mirrors aside.
func (t Tool) Address(architecture string) string {
	arch := architecture
	if name, ok := t.Arch[architecture]; ok {
		arch = name
	}
	return strings.NewReplacer("{version}", t.Version, "{arch}", arch).Replace(t.URL)
}

// Is reports whether the tool is of a name and its version is, or begins with, the one wanted: "22" is satisfied by 22.1.0.
func (t Tool) Is(name, version string) bool {
	return t.Name == name && (t.Chosen || satisfies(t.Version, version))
}

// Component is a part of an image that a runtime chooses: layers of one stage. Components are values: [DockerEngine] of system; [Tool],
// [UV], [Editor], [NodeWithCorepack], [Conda] and [GitUser] of tools; [Browser] and [Shells] of deps.
type Component interface {
	layers(g *Graph) (Layers, error)
}

// Installer is the component that installs what the lock files name: [NPM], [Pip], [Poetry], [UVSync] or [CondaPoetry].
type Installer interface {
	Component
	path(r *Runtime) []string // the directories that PATH begins with
	dirs(r *Runtime) []string // the directories that it fills, besides the code directory
}

// has reports whether a component of a kind is in a list.
func has[C Component](list []Component) bool {
	for _, c := range list {
		if _, is := c.(C); is {
			return true
		}
	}
	return false
}

// Code is the directory in the image that holds the source.
func (r *Runtime) Code() string { return r.Prefix + "/code" }

// bin is the directory in the image that holds the runtime's programs.
func (r *Runtime) bin() string { return r.Prefix + "/bin" }

// path is the directories that PATH begins with.
func (r *Runtime) path() []string {
	ours := []string{r.bin()}
	if r.Installer != nil {
		ours = r.Installer.path(r)
	}
	return append(ours, r.Path...)
}

// Mirrored replaces the longest prefix of an address that has a mirror.
func (r *Runtime) Mirrored(url string) string {
	best := ""
	for prefix := range r.Mirrors {
		if strings.HasPrefix(url, prefix) && len(prefix) > len(best) {
			best = prefix
		}
	}
	if best == "" {
		return url
	}
	return r.Mirrors[best] + strings.TrimPrefix(url, best)
}
