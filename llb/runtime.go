package llb

import (
	"cmp"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// Runtime describes an agent runtime image. A profile is a value of it. Profiles differ in the components that they list and in traits such
// as [User.OwnsPrefix]; no trait names a profile.
type Runtime struct {
	Profile string            // its name, for a label
	Version string            // of the agent, for a label
	Base    string            // the base image, as the user names it
	Prefix  string            // the directory of the image that holds the runtime
	User    User              // owns dependencies and source
	Env     map[string]string // variables of the image, without PATH; see [Runtime.DepsEnv]
	Path    []string          // directories of PATH, after the runtime's own and before the base's
	Mirrors map[string]string // address prefix -> its replacement

	Packages    []Packages  // to install with the base's package manager; each makes a layer
	NoPackages  bool        // install no packages, not even those that components need
	Interpreter Interpreter // is installed if the base lacks it; zero: none
	System      []Component // after the packages
	Tools       []Component // after the interpreter
	Installer   Installer   // installs what the lock files name; nil: nothing to install
	Deps        []Component // before the installer
	Bytecode    Bytecode    // of Python, in the layers of tools and deps
	Releases    []Tool      // the downloads that components find by name, newest version first

	InstallEnv map[string]string // variables of the steps of Installer; no image has them

	// Project are the Python projects of the source. After the dependencies, they are installed into the virtual environment.
	Project []Distribution

	// LockFiles are patterns, relative to the context. The lock files that they match are copied into one directory for the installer. If
	// there are none, lock files keep their paths in the context.
	LockFiles []string

	Args          []string     // build arguments that the build command and Extra see as variables; see [Graph.Args]
	Build         *Build       // nil: nothing to run
	BuildPackages Packages     // for the build command and for the installer of dependencies; no runtime image has them
	Source        []string     // the paths of the context to copy
	SourceCopies  []SourceCopy // further copies of parts of the source

	Entrypoint  []string                      // nil: the base's
	Cmd         []string                      // nil: the base's
	Workdir     string                        // empty: the code directory
	Expose      []string                      // "8080/tcp"
	Healthcheck *dockerspec.HealthcheckConfig // nil: the base's; none if OwnCommand
	StopSignal  string                        // empty: the base's
	Volumes     []string                      // besides the base's
	Extra       string                        // a shell command, run on the finished image
	Tests       []Test                        // what must hold for the finished image
}

// Bytecode says which byte code an image contains. Without, Python compiles each module that it loads, at every start of a container.
type Bytecode string

// The kinds of byte code. It is checked by nothing when it is loaded, and the same in every build.
const (
	BytecodeAll     Bytecode = "all"
	BytecodeStartup Bytecode = "startup" // of the modules that a distribution loads when it is imported
	BytecodeNone    Bytecode = "none"
)

// bytecode returns the byte code to make, "all" by default.
func (r *Runtime) bytecode() Bytecode { return cmp.Or(r.Bytecode, BytecodeAll) }

// User is the owner of dependencies and source. The name "root" means that no user is made.
type User struct {
	Name     string
	UID, GID int

	Shell        string      // login shell and the image's SHELL, also for a user that the base has; empty: /bin/sh and the base's
	Sudo         bool        // this user and root may switch to each other without a password
	OwnsPrefix   bool        // owns the prefix and the tools below it, too; else root does
	StartsAsRoot bool        // containers start as root, and their program switches to this user
	Directories  []Directory // further directories that it owns
}

// Directory is a directory below the prefix.
type Directory struct {
	Name   string
	Shared bool // all users may write to it; new files in it inherit its group
}

// Interpreter is a language runtime: the name "node" or "python", and a version prefix such as "22" or "3.12". Any version satisfies an
// empty one. The other fields are Python's. The base's Python is used if it fits, else the distribution's, else the pinned one.
type Interpreter struct {
	Name, Version string

	Range  PythonRange // what the project accepts
	Pinned string      // the version to download; empty: none fits
	From   string      // FromStandalone: only the pinned one is used; else empty
}

// FromStandalone is the Python of the project python-build-standalone, which needs nothing of a distribution but glibc.
const FromStandalone = "standalone"

// Packages are names of packages by package manager ("apt", "apk", "dnf", "zypper"), distribution (os-release's ID) or release ("debian
// trixie"). The key "" is for all, "apt other" for releases that have no key of their own. For apt, a name may list alternatives:
// "libgl1|libgl1-mesa-glx" installs the first that exists.
type Packages map[string][]string

// SourceCopy is a further copy of a part of the source, in another directory or with another mode. A part that does not exist is skipped.
type SourceCopy struct {
	From     string // relative to the context
	To       string // a directory below the prefix, with a slash at its end
	Contents bool   // copy the contents of From, without From itself
	Mode     string // symbolic, as for chmod; empty: the source's
}

// Tool is a pinned download. As a component, it is placed below the prefix: an archive is unpacked, any other file is made executable.
type Tool struct {
	Name    string
	Version string
	URL     string            // with placeholders {version}, {arch} and {build}: what follows "+" in the version
	SHA256  map[string]string // hex, by OCI architecture; "" skips the check
	To      string            // a directory below the prefix

	Arch    map[string]string // the publisher's name by OCI architecture, where the two differ
	Glibc   string            // the oldest glibc that runs it; empty: any C library
	Without string            // for errors: how to leave it out; empty: it is required
	Chosen  bool              // the user chose it: it satisfies any version that a component asks for
}

// Address returns the URL of the tool for an OCI architecture, before mirrors.
func (t Tool) Address(architecture string) string {
	arch := architecture
	if name, ok := t.Arch[architecture]; ok {
		arch = name
	}
	_, build, _ := strings.Cut(t.Version, "+")
	return strings.NewReplacer("{version}", t.Version, "{arch}", arch, "{build}", build).Replace(t.URL)
}

// Is reports whether the tool has a name and satisfies a version: 22.1.0 satisfies "22".
func (t Tool) Is(name, version string) bool {
	return t.Name == name && (t.Chosen || satisfies(t.Version, version))
}

// Component is a part of an image that a runtime chooses. It makes layers of one stage. The components are:
//
//	system  [DockerEngine]
//	tools   [Tool], [UV], [Editor], [NodeWithCorepack], [Conda], [GitUser]
//	deps    [Browser], [Shells]
type Component interface {
	layers(g *Graph) (Layers, error)
}

// Installer is the component that installs what the lock files name: [NPM], [PNPM], [Yarn], [Bun], [Pip], [PoetryLock], [Poetry], [UVSync] or
// [CondaPoetry].
type Installer interface {
	Component
	path(r *Runtime) []string // the first directories of PATH
	dirs(r *Runtime) []string // the directories that it writes to, besides the code directory
	forBuild() Installer      // installs the dependencies for development, too
}

// has reports whether a list has a component of a kind.
func has[C Component](list []Component) bool {
	for _, c := range list {
		if _, is := c.(C); is {
			return true
		}
	}
	return false
}

// OwnCommand reports whether containers run another command than those of the base.
func (r *Runtime) OwnCommand() bool { return r.Cmd != nil || r.Entrypoint != nil }

// DepsEnv returns the variables of [Runtime.Env] that deps images have and that their steps see: all if a component writes them into the
// image, and else none. The others are only for the source image, so that a change of them builds no dependencies.
func (r *Runtime) DepsEnv() map[string]string {
	if has[Shells](r.Deps) {
		return r.Env
	}
	return nil
}

// Code returns the directory of the image that holds the source.
func (r *Runtime) Code() string { return r.Prefix + "/code" }

// bin returns the directory of the image that holds the runtime's programs.
func (r *Runtime) bin() string { return r.Prefix + "/bin" }

// python returns the directory of the image that holds the pinned Python, if it is installed.
func (r *Runtime) python() string { return r.Prefix + "/python" }

// path returns the directories that the runtime adds to PATH.
func (r *Runtime) path() []string {
	ours := []string{r.bin()}
	if r.Installer != nil {
		ours = r.Installer.path(r)
	}
	return append(ours, r.Path...)
}

// Mirrored returns a URL with the longest prefix that has a mirror replaced.
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
