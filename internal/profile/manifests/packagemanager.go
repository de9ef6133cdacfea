package manifests

import (
	"io/fs"
	"strings"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// PackageManager returns the package manager that package.json asks for in its field packageManager, and its version without a hash:
// "pnpm" and "9.1.0" for "pnpm@9.1.0+sha512.abc". Without that field, devEngines says it. Both are empty if package.json asks for none. The
// error is about package.json itself.
func PackageManager(fsys fs.FS) (name, version string, err error) {
	fields, err := readPackageJSON(fsys)
	text, _ := fields["packageManager"].(string)
	name, version, _ = strings.Cut(text, "@")
	version, _, _ = strings.Cut(version, "+")
	if name == "" {
		name, version = developedWith(fields)
	}
	return name, version, err
}

// PackageManagerFault returns an error that points at the field packageManager of package.json.
func PackageManagerFault(fsys fs.FS, hint, format string, args ...any) error {
	data, err := projectfile.ReadOptional(fsys, PackageJSON)
	if err != nil {
		return err
	}
	line := 1
	before, _, found := strings.Cut(string(data), `"packageManager"`)
	if found {
		line += strings.Count(before, "\n")
	}
	return projectfile.Text{Name: PackageJSON, Data: data}.At(line, 0, hint, format, args...)
}
