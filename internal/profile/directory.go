package profile

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// below is a directory of a context as a file system. fs.Sub would call the Sub of a context in a builder, which loads all of the directory.
type below struct {
	fs.FS
	dir string
}

// Open implements fs.FS.
func (b below) Open(name string) (fs.File, error) { return b.FS.Open(path.Join(b.dir, name)) }

// Stat implements fs.StatFS.
func (b below) Stat(name string) (fs.FileInfo, error) { return fs.Stat(b.FS, path.Join(b.dir, name)) }

// own returns the project's own directory: that of its manifest, start command and build script. The lock files may be above it.
func (r *Runtime) own(fsys fs.FS) fs.FS {
	if r.Directory == "" {
		return fsys
	}
	return below{fsys, r.Directory}
}

// ownDir returns the project's directory, relative to the context.
func (r *Runtime) ownDir() string { return path.Join(".", r.Directory) }

// inContext returns a file of the image, which may be relative to the project's directory, as a path in the context.
func (r *Runtime) inContext(file string) string {
	if rest, isCode := strings.CutPrefix(file, r.Code()+"/"); isCode {
		return rest
	}
	return path.Join(r.Directory, file)
}

// completeDirectory makes the project's directory the working directory, if it is not the context.
func (d definition) completeDirectory(fsys fs.FS, r *Runtime) error {
	if r.Directory == "" {
		return nil
	}
	if d.original {
		return r.file().FieldErrorf("directory", "leave directory out", "profile %s is a project at the root of its context", r.Profile)
	}
	if info, err := fs.Stat(fsys, r.Directory); projectfile.Absent(err) || err == nil && !info.IsDir() {
		return r.file().FieldErrorf("directory", "name a directory of the context, and let the context be the directory with the lock file", "the context has no directory %s", r.Directory)
	}
	if r.Workdir == "" {
		r.Workdir = r.Home()
	}
	return nil
}

// runtimeFile returns the pattern that leaves the runtime file out of the source. A builder learns only the last part of the file's name.
// So the file is looked for in the project's directory, and known by its content.
func (r *Runtime) runtimeFile(fsys fs.FS) []string {
	name, text := r.File()
	if text == nil {
		return nil
	}
	file := path.Join(r.Directory, path.Base(strings.ReplaceAll(name, `\`, "/")))
	if file == runtimefile.Name {
		return nil // always ignored
	}
	found, err := projectfile.ReadOptional(fsys, file)
	if err != nil || found == nil || !bytes.Equal(found, text) || strings.ContainsAny(file[:1], "#!") {
		return nil
	}
	r.provenance.self = literal(file)
	return []string{r.provenance.self}
}

// OtherIgnore returns Ignore without the pattern for a runtime file that is not called runtime.yaml.
func (r *Runtime) OtherIgnore() []string {
	return slices.DeleteFunc(slices.Clone(r.Ignore), func(pattern string) bool { return r.provenance.self != "" && pattern == r.provenance.self })
}

// literal returns the pattern that matches only one path.
func literal(file string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(file)
}
