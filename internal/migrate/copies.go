package migrate

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// move is a part of the project that an image of the Dockerfile has elsewhere than beside the other parts. In rtbuild's image it is in
// its place.
type move struct {
	local string // in the project
	to    string // in the image of the Dockerfile
	dir   bool
	built bool // a build makes it
}

// copied adds files of the context, and finds the directory that holds the project.
func (r *reader) copied(files instructions.SourcesAndDest) string {
	if len(files.SourceContents) > 0 {
		return "its text is not in a file: write it to a file of the project"
	}
	reason := ""
	for _, source := range files.SourcePaths {
		if strings.Contains(source, "://") || strings.HasPrefix(source, "git@") {
			return "list a download with its checksum under tools"
		}
		local := strings.TrimPrefix(path.Clean("/"+source), "/")
		m := move{local: local, dir: strings.HasSuffix(source, "/") || local == "" || r.isDir(local)}
		if why := r.place(m, files); why != "" {
			reason = why
		}
	}
	return reason
}

// isDir reports whether the project has a directory of this name.
func (d *draft) isDir(name string) bool {
	info, err := fs.Stat(d.fsys, name)
	return err == nil && info.IsDir()
}

// place notes where a part of the project is in the image. It returns why that cannot be in rtbuild's.
func (r *reader) place(m move, files instructions.SourcesAndDest) string {
	if strings.ContainsAny(path.Base(m.local), "*?[") { // files of a directory
		m.local, m.dir = strings.TrimPrefix(path.Dir("/"+m.local), "/"), true
	}
	m.to = absolute(r.workdir, files.DestPath)
	into := strings.HasSuffix(files.DestPath, "/") || len(files.SourcePaths) > 1 || m.to == r.workdir || m.to == r.code
	if !m.dir && into {
		m.to = path.Join(m.to, path.Base(m.local))
	}
	root, found := strings.CutSuffix(m.to, path.Join("/", m.local))
	if m.local == "" {
		root, found = m.to, true
	}
	if root == "" {
		root = "/"
	}
	switch {
	case found && r.holds(root, m.local == ""):
		if m.local != "" {
			r.placed = append(r.placed, placed{m, r.line})
		}
		r.settleIn(root)
	case !found || root != r.code:
		return r.elsewhereInImage(m)
	}
	r.done = append(r.done, r.line)
	return ""
}

// placed is a part of the project in its place, by the line that puts it there.
type placed struct {
	move
	line int
}

// settleIn sets the directory of the project. What was taken for its parts in another directory is not in its place.
func (r *reader) settleIn(root string) {
	before, line := r.code, r.line
	r.code = root
	if before == "" || before == root {
		return
	}
	for _, p := range r.placed {
		if r.line = p.line; strings.HasPrefix(p.to, strings.TrimSuffix(root, "/")+"/") {
			continue
		}
		if reason := r.elsewhereInImage(p.move); reason != "" && r.final {
			r.leave(p.line, oneLine("COPY "+p.local+" "+p.to), "%s", reason)
		}
	}
	r.line = line
}

// holds reports whether a directory may be that of the project. A copy of the whole project decides.
func (r *reader) holds(root string, whole bool) bool {
	if isSystem(root) {
		return false
	}
	unknown := r.code == "" || r.code == "/" && root != "/" // files in / may be no project
	return whole || unknown && (r.workdir == "/" || root != "/" && strings.HasPrefix(r.workdir+"/", root+"/") || strings.HasPrefix(root+"/", r.workdir+"/"))
}

// isSystem reports whether a directory is one of the distribution.
func isSystem(dir string) bool {
	for _, own := range []string{"/usr/src/", "/usr/app/", "/var/www/", "/var/task/"} {
		if strings.HasPrefix(dir+"/", own) {
			return false
		}
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(dir, "/"), "/")
	return slices.Contains([]string{"usr", "etc", "bin", "sbin", "lib", "var", "tmp", "run"}, first)
}

// elsewhereInImage notes a part that is not in its place. Requirements may be anywhere: the command that installs them names them.
func (r *reader) elsewhereInImage(m move) string {
	r.moves = append(r.moves, m)
	home := r.directory()
	switch {
	case strings.HasPrefix(path.Base(m.local), "requirements"), !r.final && (isSystem(m.to) || m.to == "/"):
		r.done = append(r.done, r.line)
		return ""
	case home == "" || m.to != home && !strings.HasPrefix(m.to, home+"/"):
		return "the image has all files of the project in PREFIX/code, and no others: use it from there"
	}
	if path.Base(m.local) == "standalone" {
		return "Next.js' standalone server needs public and .next/static beside it: leave out output: standalone, or have the build command copy both into .next/standalone"
	}
	return "files keep their places in the project: it is PREFIX/code/" + oneLine(m.local) + "; adapt what expects it in " + oneLine(m.to)
}

// copiedFrom adds files of stages and of other images. What a stage makes of the project, rtbuild makes by a build command.
func (r *reader) copiedFrom(from string, files instructions.SourcesAndDest) string {
	image, source := from, (*stage)(nil)
	for _, s := range r.stages {
		if n, err := strconv.Atoi(from); strings.EqualFold(s.Name, from) || err == nil && n == s.number {
			image, source = s.BaseName, s
		}
	}
	isManager := strings.Contains(image, "/uv") || strings.HasPrefix(image, "oven/bun") || source == nil && strings.HasPrefix(image, "node:")
	reason := ""
	for _, name := range files.SourcePaths {
		why := ""
		switch name = path.Clean("/" + name); {
		case isManager && (source == nil || source.directory() == ""), source != nil && areDependencies(name):
			r.done = append(r.done, r.line)
		case source == nil:
			return "files of other images are not copied: list a download under tools, or take " + oneLine(from) + " as base"
		default:
			why = r.placeFrom(source, name, files)
		}
		if why != "" {
			reason = why
		}
	}
	return reason
}

// placeFrom notes where a file that a stage has is in the image.
func (r *reader) placeFrom(source *stage, name string, files instructions.SourcesAndDest) string {
	home := source.directory()
	local, below := strings.CutPrefix(name+"/", strings.TrimSuffix(home, "/")+"/")
	if home == "" || !below {
		return "only the project's directory is taken from a build: have the build command write it there, list a download under tools, or take its image as base"
	}
	local = strings.TrimSuffix(local, "/")
	return r.place(move{local: local, dir: path.Ext(local) == "" || strings.HasPrefix(path.Base(local), ".") || r.isDir(local), built: true}, files)
}

// areDependencies reports whether a file of a stage is among those that package managers install.
func areDependencies(name string) bool {
	for _, dir := range []string{"node_modules", ".venv", "venv", "site-packages", "dist-packages", ".local", "wheels"} {
		if strings.Contains(name+"/", "/"+dir+"/") {
			return true
		}
	}
	return name == "/usr/local/bin" || name == "/usr/local" || name == "/install" || name == "/venv"
}

// find returns the place in the project of a file of the Dockerfile's image, or "" if it is not known to be moved.
func (r *reader) find(file string) string {
	if root := r.code; root != "" {
		if local, below := strings.CutPrefix(file, strings.TrimSuffix(root, "/")+"/"); below && r.inProject(local) {
			return ""
		}
	}
	for _, m := range slices.Backward(r.moves) {
		local := m.local
		if file != m.to {
			rest, below := strings.CutPrefix(file, strings.TrimSuffix(m.to, "/")+"/")
			if !below || !m.dir {
				continue
			}
			local = path.Join(m.local, rest)
		}
		if m.built || r.inProject(local) {
			return local
		}
	}
	return ""
}
