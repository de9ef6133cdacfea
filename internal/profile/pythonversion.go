package profile

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/llb"
)

// preferredPython is the version to download where a project accepts several: most packages have wheels for it.
const preferredPython = "3.13"

// completePython sets which Python the project accepts, the version that it asks for unless the file says one, and the version to download
// for a base that has none of these. Versions that contradict each other are an error.
func (d definition) completePython(fsys fs.FS, r *Runtime) error {
	if !d.projects {
		return nil
	}
	wanted, err := manifests.WantedPython(fsys, r.Dependencies.Manager)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		r.PythonRange = r.PythonRange.And(w.Range)
	}
	asked, from := r.Interpreter.Version, ""
	for _, w := range wanted {
		if asked == "" && w.Line != "" {
			asked, from = w.Line, w.File
		}
	}
	for _, w := range wanted {
		if !w.Range.Accepts(asked) {
			return r.otherPython(fsys, asked, from, w)
		}
	}
	r.Interpreter.Version = asked
	r.PythonPinned = r.pinnedPython(asked)
	return nil
}

// otherPython returns the error for a version that a manifest or a lock file does not accept. from is the file that asks for it, or empty
// for the runtime file.
func (r *Runtime) otherPython(fsys fs.FS, asked, from string, w manifests.PythonWanted) error {
	hint := "change one of them"
	write := r.fittingPython()
	if from == "" {
		if write != "" {
			hint = "write " + write
		}
		return r.file().FieldErrorf("runtime", hint, "%s requires Python %s, and runtime says %s", w.File, w.Text, asked)
	}
	if write != "" {
		hint = "name another version there, or write " + write + " in " + runtimefile.Name
	}
	data, _ := projectfile.ReadOptional(fsys, from)
	return projectfile.Text{Name: from, Data: data}.At(1, 1, hint, "%s requires Python %s, and %s says %s", w.File, w.Text, from, asked)
}

// fittingPython returns the line of a runtime file for a Python that the project accepts, or "" if rtbuild knows none.
func (r *Runtime) fittingPython() string {
	fits := r.pinnedPython("")
	if fits == "" {
		return ""
	}
	numbers := strings.SplitN(fits, ".", 3)
	version := numbers[0] + "." + numbers[1]
	if from := r.Interpreter.From; from != "" {
		version = fmt.Sprintf("{version: %s, from: %s}", version, from)
	}
	return "runtime: {python: " + version + "}"
}

// pinnedPython returns the version to download that the project accepts and that begins as asked, or "": the one that the file's tools
// name, the preferred one, or the newest.
func (r *Runtime) pinnedPython(asked string) string {
	for _, line := range []string{preferredPython, ""} {
		for _, t := range r.pinned() {
			fits := llb.Interpreter{Version: asked, Range: r.PythonRange}
			if t.Name == "python" && fits.Accepts(t.Version) && (t.Chosen || llb.Interpreter{Version: line}.Accepts(t.Version)) {
				return t.Version
			}
		}
	}
	return ""
}
