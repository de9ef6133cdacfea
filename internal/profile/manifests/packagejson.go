// Package manifests reads the manifests of a project: its name and version, its start command, its workspaces, and requirements files with
// their includes. It is separate from package profile because it knows the formats but no profile.
package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// PackageJSON is npm's manifest.
const PackageJSON = "package.json"

// readPackageJSON returns the fields of the project's package.json, or nil if there is none. Callers check types: npm ignores most values
// of unexpected types.
func readPackageJSON(fsys fs.FS) (map[string]any, error) {
	data, err := projectfile.ReadOptional(fsys, PackageJSON)
	if err != nil || data == nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var fields map[string]any
	var syntax *json.SyntaxError
	err = json.Unmarshal(data, &fields)
	switch t := (projectfile.Text{Name: PackageJSON, Data: data}); {
	case errors.As(err, &syntax):
		return nil, t.AtOffset(int(syntax.Offset)-1, "", "not valid JSON: %s", syntax)
	case err != nil:
		return nil, t.At(1, 1, "", "it must hold a JSON object")
	}
	return fields, nil
}

// NPMVersion returns the project's version, or "" if it has none.
func NPMVersion(fsys fs.FS) (string, error) {
	fields, err := readPackageJSON(fsys)
	version, _ := fields["version"].(string)
	return version, err
}

// WorkspaceManifests returns the package.json files of the project's workspaces, sorted. npm ci needs them all.
func WorkspaceManifests(fsys fs.FS) ([]string, error) {
	fields, err := readPackageJSON(fsys)
	if err != nil {
		return nil, err
	}
	dirs, err := findWorkspaces(fsys, workspacePatterns(fields["workspaces"]))
	var fault *projectfile.Error // it already has a position
	switch {
	case errors.As(err, &fault):
		return nil, err
	case err != nil:
		data, _ := projectfile.ReadOptional(fsys, PackageJSON) // it was readable above
		return nil, projectfile.Text{Name: PackageJSON, Data: data}.At(0, 0, workspaceHint(err), "%s", err)
	}
	var files []string
	for dir := range dirs {
		if file := path.Join(dir, PackageJSON); projectfile.Exists(fsys, file) {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files, nil
}

// workspacePatterns reads both forms of the field: a list, or a map with a list under "packages".
func workspacePatterns(field any) []string {
	if object, ok := field.(map[string]any); ok {
		field = object["packages"]
	}
	list, _ := field.([]any)
	var patterns []string
	for _, item := range list {
		if pattern, ok := item.(string); ok {
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}
