package migrate

import (
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// handler adds a command of a RUN instruction to the draft. It gets the words behind the program's name, and returns why it cannot.
type handler func(r *reader, s statement, words []string) string

// handlers are the programs that some field or rtbuild itself replaces.
var handlers map[string]handler

func init() {
	handlers = map[string]handler{
		"apt-get": system("apt"), "apt": system("apt"), "apk": system("apk"), "dnf": system("dnf"), "microdnf": system("dnf"), "yum": system("dnf"),
		"zypper": system("zypper"),
		"npm":    node("npm"), "yarn": node("yarn"), "pnpm": node("pnpm"), "bun": node("bun"), "corepack": nothing,
		"npx": compiler, "tsc": compiler,
		"pip": pip, "pip3": pip, "uv": uv, "poetry": poetry, "python": pythonModule, "python3": pythonModule,
		"useradd": makesUser, "adduser": makesUser, "groupadd": makesGroup, "addgroup": makesGroup,
		"mkdir": ownFiles, "chown": ownFiles, "chmod": ownFiles, "rm": cleans,
		"set": nothing, "true": nothing, ":": nothing, "echo": nothing,
	}
}

// nothing handles commands that rtbuild needs no equivalent of.
func nothing(*reader, statement, []string) string { return "" }

// statement adds a simple command.
func (r *reader) statement(s statement) string {
	words := s.words
	if words[0] == "sudo" && len(words) > 1 {
		words = words[1:]
	}
	if handle, known := handlers[path.Base(words[0])]; known {
		return handle(r, s, words[1:])
	}
	return "no field runs commands as root; extra runs one as the user, after the source is in place"
}

// positional returns the words that are neither options nor values of those options that take one.
func positional(words []string, valued ...string) []string {
	var all []string
	for i := 0; i < len(words); i++ {
		switch {
		case slices.Contains(valued, words[i]):
			i++
		case !strings.HasPrefix(words[i], "-"):
			all = append(all, words[i])
		}
	}
	return all
}

// system handles a package manager of a distribution. Packages of other stages, and those in a virtual package of apk, are for the build.
func system(manager string) handler {
	return func(r *reader, s statement, words []string) string {
		named := positional(words, "-t", "--target-release", "-o", "--option", "--virtual", "-X", "--repository")
		if len(named) == 0 {
			return "it names no package"
		}
		verb, names := named[0], named[1:]
		switch verb {
		case "update", "clean", "autoclean", "makecache", "del", "refresh", "autoremove":
			return ""
		case "purge", "remove":
			r.purge(names)
			return ""
		case "install", "add", "in":
		default:
			return "rtbuild installs packages, and does nothing else with them: choose a base that has it"
		}
		virtual := manager == "apk" && slices.ContainsFunc(words, func(w string) bool { return w == "-t" || strings.HasPrefix(w, "--virtual") })
		r.install(manager, names, r.final && !virtual)
		return ""
	}
}

// install adds packages.
func (r *reader) install(manager string, names []string, final bool) {
	for _, name := range names {
		if slices.Contains([]string{"nodejs", "npm", "python3-pip", "py3-pip"}, name) {
			continue // rtbuild brings both
		}
		if _, err := runtimefile.Parse("", encode([]field{{"packages", []string{name}, ""}}), profile.Known()); err != nil {
			r.leave(r.line, "install "+oneLine(name), "packages are those of the distribution, by their names")
			continue
		}
		if !final {
			r.buildPackages = append(r.buildPackages, name)
			continue
		}
		r.byManager[manager] = true
		r.packages = append(r.packages, name)
		r.packageLines = append(r.packageLines, r.line)
	}
}

// purge moves packages that a Dockerfile removes again to those of the build.
func (r *reader) purge(names []string) {
	r.packages = slices.DeleteFunc(r.packages, func(name string) bool {
		if slices.Contains(names, name) {
			r.buildPackages = append(r.buildPackages, name)
			return true
		}
		return false
	})
}

// ownFiles handles commands about directories, owners and modes. Those of the project belong to the user anyway.
func ownFiles(r *reader, s statement, words []string) string {
	code := r.directory()
	named := positional(words, "-m", "--mode")
	if s.words[0] != "mkdir" && len(named) > 0 {
		named = named[1:] // an owner or a mode
	}
	for _, name := range named {
		file := name
		if !path.IsAbs(file) {
			file = path.Join(r.now.dir, file)
		}
		if s.words[0] == "chmod" && r.find(file) != "" {
			return "files keep their modes: set it in the project"
		}
		if r.final && file != code && !strings.HasPrefix(file, code+"/") && !strings.HasPrefix(file, "/home/") {
			return "no field makes directories, or changes files, outside of the project; a directory for data is a volume"
		}
		if local, below := strings.CutPrefix(file, code+"/"); s.words[0] == "chmod" && below && r.inProject(local) {
			return "files keep their modes: set it in the project"
		}
	}
	return ""
}

// cleans handles rm. rtbuild leaves no caches behind.
func cleans(r *reader, _ statement, words []string) string {
	code := r.directory()
	for _, name := range positional(words) {
		if file := path.Join(r.now.dir, name); code != "" && code != "/" && !path.IsAbs(name) && strings.HasPrefix(file, code+"/") && r.final {
			return "list files that the image must not have under ignore"
		}
	}
	return ""
}
