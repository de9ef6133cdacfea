package manifests

import (
	"cmp"
	"io/fs"
	"regexp"
)

// devEngine is an entry of the field devEngines of package.json: a program that the project is developed with. npm, pnpm and yarn
// refuse to work with another one, unless onFail says otherwise. See npm's documentation of package.json, "devEngines".
type devEngine struct {
	name, version string
	strict        bool // another program is an error
}

// devEngines returns the entries of a kind, "runtime" or "packageManager". Entries that are ignored, and values of other types, are left out.
func devEngines(fields map[string]any, kind string) []devEngine {
	engines, _ := fields["devEngines"].(map[string]any)
	list, isList := engines[kind].([]any)
	if !isList {
		list = []any{engines[kind]}
	}
	var all []devEngine
	for i, item := range list {
		entry, _ := item.(map[string]any)
		name, _ := entry["name"].(string)
		version, _ := entry["version"].(string)
		onFail, _ := entry["onFail"].(string)
		onFail = cmp.Or(onFail, "error")
		if name == "" || onFail == "ignore" {
			continue
		}
		// Of a list, npm takes the first program that fits, and what the last one says if none does.
		all = append(all, devEngine{name, version, onFail != "warn" && i == len(list)-1})
	}
	return all
}

// versionLine matches a version, or a range of versions with one first number, such as ^10.2.
var versionLine = regexp.MustCompile(`^[\^~=v ]*(\d+(?:\.\d+)*)$`)

// developedWith returns the first package manager that the field devEngines asks for, and its version, or "" where several first numbers fit.
func developedWith(fields map[string]any) (name, version string) {
	managers := devEngines(fields, "packageManager")
	if len(managers) == 0 {
		return "", ""
	}
	if m := versionLine.FindStringSubmatch(managers[0].version); m != nil {
		version = m[1]
	}
	return managers[0].name, version
}

// RefusesNPM reports whether npm would refuse to run a script of the project, because its field devEngines asks for another package manager.
// The error is about package.json itself.
func RefusesNPM(fsys fs.FS) (bool, error) {
	fields, err := readPackageJSON(fsys)
	strict := false
	for _, manager := range devEngines(fields, "packageManager") {
		if manager.name == "npm" {
			return false, err
		}
		strict = manager.strict
	}
	return strict, err
}
