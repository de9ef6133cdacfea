// Package manifests reads what a project says of itself: its name and version, how it starts, its workspaces, and the requirements files
// that include each other. It exists apart from profile because its readers know the formats and no profile.
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

// readPackageJSON gives the fields of the project's package.json, none if there is no such file. Their types are looked
// at where they are used: npm itself passes over most that it does not expect.
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

// NPMVersion is the project's version, empty if it has none.
func NPMVersion(fsys fs.FS) (string, error) {
	fields, err := readPackageJSON(fsys)
	version, _ := fields["version"].(string)
	return version, err
}

// NPMCommand is how the project is started: by its start script, else by its main file.
func NPMCommand(fsys fs.FS) ([]string, error) {
	fields, err := readPackageJSON(fsys)
	if scripts, ok := fields["scripts"].(map[string]any); ok {
		if start, _ := scripts["start"].(string); start != "" {
			return []string{"npm", "start"}, err
		}
	}
	if main, _ := fields["main"].(string); main != "" {
		return []string{"node", main}, err
	}
	return nil, err
}

// WorkspaceManifests are the package.json files of the project's workspaces, sorted: npm ci wants to see them all.
func WorkspaceManifests(fsys fs.FS) ([]string, error) {
	fields, err := readPackageJSON(fsys)
	if err != nil {
		return nil, err
	}
	dirs, err := findWorkspaces(fsys, workspacePatterns(fields["workspaces"]))
	var fault *projectfile.Error // it says where
	switch {
	case errors.As(err, &fault):
		return nil, err
	case err != nil:
		data, _ := projectfile.ReadOptional(fsys, PackageJSON) // it could be read just now
		return nil, projectfile.Text{Name: PackageJSON, Data: data}.At(0, 0, "list the workspaces' package.json under dependencies.files", "%s", err)
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

// workspacePatterns reads both forms of the field: a list, or a map that holds one under "packages".
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
