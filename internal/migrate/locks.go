package migrate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/runtimefile"
)

// lockCommands are the commands that write the lock files of package managers.
var lockCommands = map[string]string{
	"npm": "npm install --package-lock-only", "pnpm": "pnpm install --lockfile-only", "yarn": "yarn install",
	"bun": "bun install --save-text-lockfile --lockfile-only", "pip": "pip freeze > requirements.txt",
	"uv": "uv lock", "poetry": "poetry lock", "pdm": "pdm lock", "pylock": "uv export --format pylock.toml -o pylock.toml",
}

// missing returns the error for a lock file that is not there.
func missing(file, manager string) error {
	return fmt.Errorf("%s is missing: write it with: %s", file, cmp.Or(lockCommands[manager], manager))
}

// empty are the profiles of projects that may have no dependencies, with the manifests of projects that have some.
var empty = []struct{ profile, manifest string }{{"node", manifests.PackageJSON}, {"python", manifests.PyprojectTOML}}

// locks are files that name dependencies, even without a manifest.
var locks = []string{"package-lock.json", "npm-shrinkwrap.json", manifests.PNPMLock, manifests.YarnLock, manifests.BunLock, manifests.BunBinary, "uv.lock", "poetry.lock", manifests.PDMLock, manifests.Pylock}

// withoutLock answers for a project of a given profile that has neither a lock file nor a manifest: it has no dependencies.
func (d *draft) withoutLock() {
	if !d.isEmpty(d.fieldText("profile")) || d.has("dependencies") {
		return
	}
	d.set("dependencies", map[string]string{"manager": "none"}, "the project has no lock file, so nothing is installed")
}

// isEmpty reports whether a project would have no dependencies in a profile: none of the files that name some.
func (d *draft) isEmpty(name string) bool {
	if slices.ContainsFunc(locks, d.inProject) {
		return false
	}
	for _, e := range empty {
		if e.profile == name && !d.inProject(e.manifest) {
			r, err := profile.Load(d.fsys, profile.Options{Name: runtimefile.Name, Data: encode(d.fields), Profile: name, From: options.Flags})
			return err == nil && !slices.ContainsFunc(r.Dependencies.Files, func(file string) bool { return projectfile.Exists(d.fsys, file) })
		}
	}
	return false
}

// fieldText returns the text of a field, or "".
func (d *draft) fieldText(name string) string {
	for _, f := range d.fields {
		if text, ok := f.value.(string); ok && f.name == name {
			return text
		}
	}
	return ""
}

// advise returns err or, if the project has no files that a profile fits, an error that says how init works for it.
func (d *draft) advise(err error) error {
	var none *profile.NoLockError
	if !errors.As(err, &none) || !d.isEmpty("node") || !d.isEmpty("python") {
		return err
	}
	return errors.New("no profile fits the project: it has no lock file, such as package-lock.json, uv.lock or requirements.txt: name the project's root, " +
		"write a lock file with: " + lockCommands["npm"] + ", or: " + lockCommands["uv"] + ", or give --profile node or --profile python if it has no dependencies")
}
