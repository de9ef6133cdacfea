package llb

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Distribution is a Python project of the source, as its manifest describes it. Its modules stay where the source is, so that an edit of the
// source changes nothing of it.
type Distribution struct {
	Name        string                       // as the project writes it
	Version     string                       // of the project, which need not be the runtime's
	Metadata    string                       // the text of the file METADATA
	EntryPoints map[string]map[string]string // by group and name; those of console_scripts and gui_scripts become programs
	Dir         string                       // the project's directory, relative to the code directory
	Roots       []string                     // the directories that its modules are imported from, relative to the code directory
}

// The groups of entry points that become programs.
const (
	ConsoleScripts = "console_scripts"
	GUIScripts     = "gui_scripts"
)

var separators = regexp.MustCompile(`[-_.]+`)

// NormalName returns a distribution's name in the form that indexes and lock files compare.
func NormalName(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }

// fileName returns the name as the names of files have it.
func (d Distribution) fileName() string { return strings.ReplaceAll(NormalName(d.Name), "-", "_") }

// pythonProjects is the component that installs the Python projects of the source into the virtual environment, as pip and uv do it for an
// editable project. It runs no build backend: that would need the source, and may give other files every time.
type pythonProjects []Distribution

func (p pythonProjects) layers(g *Graph) (Layers, error) {
	return Layers{{Stage: StageDeps, Name: projectLayer, Field: "project", upper: func(at layerInput) llb.State {
		return p.draw(g, at)
	}}}, nil
}

const projectLayer = "install the project"

// draw returns the layer's files on scratch. Only the interpreter knows the name of the directory that it finds packages in, so a step
// puts them there. It does not wait for the dependencies.
func (p pythonProjects) draw(g *Graph, at layerInput) llb.State {
	venv := g.Runtime.venv()
	script := fmt.Sprintf(`umask 022
packages=%[1]s/lib/$(python3 -I -c 'import sys; print("python%%d.%%d" %% sys.version_info[:2])')/site-packages
mkdir -p "$packages" %[1]s/bin
cp -R %[2]s/packages/. "$packages/"
cp -R %[2]s/bin/. %[1]s/bin/
find %[1]s -exec env TZ=UTC0 touch -t 198001010000.00 {} +
`, shellQuote(venv), inputs)
	user := profileUser{fmt.Sprintf("%d:%d", g.Owner.UID, g.Owner.GID), "/tmp/home"}
	labels := []llb.ConstraintsOpt{named(StageDeps, projectLayer), g.location("project")}
	run := g.run(at.stageStart, command{StageDeps, projectLayer, script, user}, labels, llb.ReadonlyRootFS(), llb.AddMount(inputs, p.files(g.Runtime), llb.Readonly))
	empty := g.emptyDir(venv, g.Owner)
	full := run.AddMount(venv, empty, llb.SourcePath(venv))
	return llb.Diff(empty, full, append(g.uncached(StageDeps), llb.WithCustomName("[internal] take the project"))...)
}

// files returns a state with the programs in /bin and everything else in /packages.
func (p pythonProjects) files(r *Runtime) llb.State {
	made := llb.Mkdir("/bin", 0o755).Mkdir("/packages", 0o755)
	for _, d := range p {
		made = made.Mkdir("/packages/"+d.info(), 0o755)
		programs, others := d.programs(r), d.others(r)
		for _, name := range slices.Sorted(maps.Keys(programs)) {
			made = made.Mkfile("/bin/"+name, 0o755, []byte(programs[name]))
		}
		for _, name := range slices.Sorted(maps.Keys(others)) {
			made = made.Mkfile("/packages/"+name, 0o644, []byte(others[name]))
		}
	}
	return llb.Scratch().File(made, llb.WithCustomName("[internal] files of the project"))
}

// info returns the name of the directory with the distribution's metadata.
func (d Distribution) info() string {
	return d.fileName() + "-" + strings.ReplaceAll(d.Version, "-", "_") + ".dist-info"
}

// others returns all files but the programs, by their path among the packages. The formats are those of PyPA's specifications "Recording
// installed projects" and "Entry points".
func (d Distribution) others(r *Runtime) map[string]string {
	address := (&url.URL{Scheme: "file", Path: path.Join(r.Code(), d.Dir)}).String()
	files := map[string]string{
		"_" + d.fileName() + ".pth":    d.pth(r),
		d.info() + "/METADATA":         d.Metadata,
		d.info() + "/INSTALLER":        "rtbuild\n",
		d.info() + "/direct_url.json":  `{"url":"` + address + `","dir_info":{"editable":true}}`,
		d.info() + "/entry_points.txt": d.entryPoints(),
	}
	if len(d.EntryPoints) == 0 {
		delete(files, d.info()+"/entry_points.txt")
	}
	files[d.info()+"/RECORD"] = d.record(files, d.programs(r))
	return files
}

// pth returns the lines that make the interpreter find the project's modules.
func (d Distribution) pth(r *Runtime) string {
	text := ""
	for _, root := range d.Roots {
		text += path.Join(r.Code(), root) + "\n"
	}
	return text
}

// entryPoints returns the text of entry_points.txt.
func (d Distribution) entryPoints() string {
	var groups []string
	for _, group := range slices.Sorted(maps.Keys(d.EntryPoints)) {
		text := "[" + group + "]\n"
		for _, name := range slices.Sorted(maps.Keys(d.EntryPoints[group])) {
			text += name + " = " + d.EntryPoints[group][name] + "\n"
		}
		groups = append(groups, text)
	}
	return strings.Join(groups, "\n")
}

// record returns the text of RECORD: all files with hash and size. Programs are three directories above the packages.
func (d Distribution) record(files, programs map[string]string) string {
	var rows []string
	add := func(name, content string) {
		sum := sha256.Sum256([]byte(content))
		rows = append(rows, fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content)))
	}
	for name, content := range files {
		add(name, content)
	}
	for name, content := range programs {
		add("../../../bin/"+name, content)
	}
	slices.Sort(rows)
	return strings.Join(rows, "") + d.info() + "/RECORD,,\n"
}

// Programs returns the names of the programs that the distribution has, sorted.
func (d Distribution) Programs() []string {
	return slices.Sorted(maps.Keys(d.programs(&Runtime{})))
}

// programs returns a program for each script, by name.
func (d Distribution) programs(r *Runtime) map[string]string {
	programs := map[string]string{}
	for _, group := range []string{ConsoleScripts, GUIScripts} {
		for name, target := range d.EntryPoints[group] {
			programs[name] = program(r.venv()+"/bin/python", target)
		}
	}
	return programs
}

// program returns a program that calls a function: "package.module:object.function", with extras that do not matter here. Modules that
// start processes import the program again, so it calls the function only if it is the main module.
func program(python, target string) string {
	target, _, _ = strings.Cut(target, "[")
	module, function, _ := strings.Cut(strings.ReplaceAll(target, " ", ""), ":")
	object, _, _ := strings.Cut(function, ".")
	return fmt.Sprintf(`#!%s
import sys

from %s import %s

if __name__ == "__main__":
    sys.exit(%s())
`, python, module, object, function)
}
