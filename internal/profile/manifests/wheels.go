package manifests

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/llb"
)

// WithoutWheel are the packages of a lock file that have no wheel for a platform: each with its version, sorted.
type WithoutWheel struct {
	Compiled   []string // have a source distribution, which the build compiles
	Impossible []string // have neither
}

// PythonWithoutWheel returns which packages of a lock file have no wheel for an architecture of Linux, whichever of the lines of Python, such
// as "3.13", the image has. It knows uv.lock, and poetry.lock of Poetry 2; of other lock files it returns nothing.
func PythonWithoutWheel(fsys fs.FS, manager, architecture string, lines []string, root *PythonProject, more Choice) (WithoutWheel, error) {
	var found WithoutWheel
	packages, err := lockedPackages(fsys, manager, root, more)
	if err != nil || packages == nil {
		return found, err
	}
	for i, line := range lines {
		t := pythonTarget{line, machines[architecture], more.Extras}
		var here WithoutWheel
		for _, p := range packages(t) {
			p.addTo(&here, t)
		}
		if i > 0 {
			here.Compiled, here.Impossible = both(found.Compiled, here.Compiled), both(found.Impossible, here.Impossible)
		}
		found = here
	}
	slices.Sort(found.Compiled)
	slices.Sort(found.Impossible)
	return found, nil
}

// both returns what is in two lists.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(text string) bool { return !slices.Contains(b, text) })
}

// lockedPackage is a package of an index, and the names of its files.
type lockedPackage struct {
	name  string // and version
	files []string
}

// addTo adds the package if it has no wheel that fits.
func (p lockedPackage) addTo(found *WithoutWheel, t pythonTarget) {
	isWheel := func(file string) bool { return strings.HasSuffix(file, ".whl") }
	switch {
	case len(p.files) == 0, slices.ContainsFunc(p.files, t.fits), slices.Contains(found.Compiled, p.name), slices.Contains(found.Impossible, p.name):
	case slices.ContainsFunc(p.files, func(file string) bool { return !isWheel(file) }):
		found.Compiled = append(found.Compiled, p.name)
	default:
		found.Impossible = append(found.Impossible, p.name)
	}
}

// lockedPackages returns a function that returns what a manager installs on a target. It is nil if the lock file does not say it.
func lockedPackages(fsys fs.FS, manager string, root *PythonProject, more Choice) (func(pythonTarget) []lockedPackage, error) {
	switch manager {
	case "uv":
		lock, err := ReadUVLock(fsys)
		return func(t pythonTarget) []lockedPackage { return lock.packagesOn(t, root, more) }, err
	case "poetry":
		lock, _, err := readTOML(fsys, poetryLockName, projectfile.LockLimit)
		if err != nil || lock.table("metadata").text("lock-version") < "2.1" { // older ones do not say which platforms a package is for
			return nil, err
		}
		return func(t pythonTarget) []lockedPackage { return poetryPackages(lock, t, more) }, nil
	}
	return nil, nil
}

// packagesOn returns the packages that uv installs on a target.
func (l *UVLock) packagesOn(t pythonTarget, root *PythonProject, more Choice) []lockedPackage {
	var all []lockedPackage
	chosen := l.on(t)
	for _, p := range chosen.installed(chosen.wanted(root, more)) {
		all = append(all, uvPackage(p))
	}
	return all
}

// poetryPackages returns the packages that Poetry installs on a target.
func poetryPackages(lock table, t pythonTarget, more Choice) []lockedPackage {
	var all []lockedPackage
	for _, p := range lock.tables("package") {
		if inGroups(p, more.Groups) && p.marked(t, append([]string{"main"}, more.Groups...)) {
			all = append(all, poetryPackage(p))
		}
	}
	return all
}

// uvPackage returns a package of uv.lock. One that comes from elsewhere than an index has no files.
func uvPackage(p table) lockedPackage {
	found := lockedPackage{name: p.text("name") + " " + p.text("version")}
	if p.table("source")["registry"] == nil {
		return found
	}
	for _, file := range append(p.tables("wheels"), p.table("sdist")) {
		if url := file.text("url") + file.text("path"); url != "" {
			found.files = append(found.files, path.Base(url))
		}
	}
	return found
}

// on returns the lock file with what its markers choose on a target.
func (l *UVLock) on(t pythonTarget) *UVLock {
	chosen := &UVLock{text: l.text, packages: map[string][]table{}, members: l.members}
	for _, p := range l.all {
		if markers := p.texts("resolution-markers"); len(markers) > 0 && !slices.ContainsFunc(markers, t.holds) {
			continue
		}
		p = table{"name": p["name"], "version": p["version"], "source": p["source"], "wheels": p["wheels"], "sdist": p["sdist"],
			"dependencies": t.chosen(p.tables("dependencies")), "optional-dependencies": t.chosenIn(p.table("optional-dependencies")),
			"dev-dependencies": t.chosenIn(p.table("dev-dependencies"))}
		chosen.all = append(chosen.all, p)
		chosen.packages[p.text("name")] = append(chosen.packages[p.text("name")], p)
	}
	return chosen
}

// chosen returns the dependencies whose markers hold.
func (t pythonTarget) chosen(dependencies []table) []any {
	var all []any
	for _, d := range dependencies {
		if t.holds(d.text("marker")) {
			all = append(all, d)
		}
	}
	return all
}

func (t pythonTarget) chosenIn(lists table) table {
	all := table{}
	for name := range lists {
		all[name] = t.chosen(lists.tables(name))
	}
	return all
}

func poetryPackage(p table) lockedPackage {
	found := lockedPackage{name: p.text("name") + " " + p.text("version")}
	if kind := p.table("source").text("type"); kind != "" && kind != "legacy" {
		return found
	}
	for _, file := range p.tables("files") {
		found.files = append(found.files, file.text("file"))
	}
	return found
}

// marked reports whether the markers of a package in poetry.lock hold, for one of the groups at least. They are one text, or a table of texts
// by group.
func (t table) marked(target pythonTarget, groups []string) bool {
	byGroup, differ := t["markers"].(table)
	if !differ {
		return target.holds(t.text("markers"))
	}
	return slices.ContainsFunc(t.texts("groups"), func(group string) bool { return hasName(groups, group) && target.holds(byGroup.text(group)) })
}

// fits reports whether a file is a wheel for the target; see PyPA's "Platform compatibility tags". Of libc it only asks that it is one of
// Linux.
func (t pythonTarget) fits(file string) bool {
	name, is := strings.CutSuffix(file, ".whl")
	parts := strings.Split(name, "-")
	if !is || len(parts) < 5 {
		return false
	}
	tags := parts[len(parts)-3:]
	any := func(list string, fits func(string) bool) bool {
		return slices.ContainsFunc(strings.Split(list, "."), fits)
	}
	return any(tags[2], t.fitsPlatform) && any(tags[1], func(abi string) bool {
		return any(tags[0], func(python string) bool { return t.fitsPython(python, abi) })
	})
}

func (t pythonTarget) fitsPlatform(tag string) bool {
	return tag == "any" || strings.HasSuffix(tag, "_"+t.machine) && (strings.HasPrefix(tag, "manylinux") || strings.HasPrefix(tag, "musllinux") || strings.HasPrefix(tag, "linux"))
}

// fitsPython reports whether a pair of tags for Python and its ABI fits. Wheels with abi3 run on later versions.
func (t pythonTarget) fitsPython(python, abi string) bool {
	_, text, _ := strings.Cut(t.line, ".")
	minor, _ := strconv.Atoi(text)
	if python == "py3" {
		return abi == "none"
	}
	for _, prefix := range []string{"cp3", "py3"} {
		number, is := strings.CutPrefix(python, prefix)
		tagged, err := strconv.Atoi(number)
		if !is || err != nil {
			continue
		}
		later := abi == "abi3" || prefix == "py3"
		return tagged == minor && (abi == "none" || abi == "abi3" || abi == "cp3"+text) || later && tagged < minor
	}
	return false
}

// PythonLines are the first two numbers of the versions of Python that packages are made for.
var PythonLines = []string{"3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15"}

// AcceptedLines returns those of PythonLines that begin as a version, which may be empty, and that a range accepts.
func AcceptedLines(version string, accepted llb.PythonRange) []string {
	var all []string
	for _, line := range PythonLines {
		if (llb.Interpreter{Version: line}).Accepts(version) || (llb.Interpreter{Version: version, Range: accepted}).Accepts(line) {
			all = append(all, line)
		}
	}
	return all
}
