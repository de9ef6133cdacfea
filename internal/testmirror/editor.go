package testmirror

import (
	"encoding/json"
	"fmt"
)

// editorExtensions lists some extensions of the real archive, including all that images remove.
var editorExtensions = []string{
	"configuration-editing", "css", "diff", "docker", "git", "git-base", "go", "grunt", "handlebars", "html", "ini", "javascript",
	"json", "json-language-features", "markdown-basics", "npm", "pug", "python", "shellscript", "theme-defaults", "typescript-basics", "yaml",
}

// editorCommit is the commit that the editor prints.
const editorCommit = "57fe6a0c2e6bd4a4de29ae4b0be0a8ea4df8ae5e"

const editorStart = `#!/usr/bin/env sh
# A stand-in of rtbuild's tests, called as the real one.
case "$1" in
	--inspect*) INSPECT="$1"; shift;;
esac
ROOT="$(dirname "$(dirname "$(readlink -f "$0")")")"
"$ROOT/node" ${INSPECT:-} "$ROOT/out/server-main.js" "$@"
`

const editorClient = `#!/usr/bin/env sh
# A stand-in of rtbuild's tests, called as the real one.
ROOT="$(dirname "$(dirname "$(dirname "$(readlink -f "$0")")")")"
"$ROOT/node" "$ROOT/out/server-cli.js" "openvscode-server" "%s" "%s" "openvscode-server" "$@"
`

// editor returns the editor's archive.
func (m *Mirror) editor(version, arch string) ([]byte, error) {
	program, err := m.program("editor", goArchitectures[arch])
	if err != nil {
		return nil, err
	}
	top := "openvscode-server-v" + version + "-linux-" + arch + "/"
	files := map[string]condaFile{
		top + "node":                             {content: program, mode: 0o755},
		top + "bin/openvscode-server":            {content: []byte(editorStart), mode: 0o755},
		top + "bin/remote-cli/openvscode-server": {content: fmt.Appendf(nil, editorClient, version, editorCommit), mode: 0o755},
		top + "bin/helpers/browser.sh":           {content: fmt.Appendf(nil, editorClient, version, editorCommit), mode: 0o755},
		top + "out/server-main.js":               {content: []byte("// A stand-in of rtbuild's tests: node is a program that serves by itself.\n"), mode: 0o644},
		top + "out/server-cli.js":                {content: []byte("// A stand-in of rtbuild's tests: node is a program that answers by itself.\n"), mode: 0o644},
		top + "LICENSE.txt":                      {content: []byte("A stand-in of rtbuild's tests for openvscode-server.\n"), mode: 0o644},
	}
	about := map[string]map[string]any{
		"package.json": {"name": "openvscode-server", "version": version, "private": true},
		"product.json": {
			"nameShort": "OpenVSCode Server", "nameLong": "OpenVSCode Server", "applicationName": "openvscode-server", "version": version,
			"commit": editorCommit, "serverApplicationName": "openvscode-server", "standIn": "rtbuild's tests",
		},
	}
	for _, name := range editorExtensions {
		about["extensions/"+name+"/package.json"] = map[string]any{
			"name": name, "publisher": "vscode", "version": "1.0.0", "engines": map[string]string{"vscode": "*"},
		}
	}
	for name, value := range about {
		content, err := json.MarshalIndent(value, "", "\t")
		if err != nil {
			return nil, err
		}
		files[top+name] = condaFile{content: append(content, '\n'), mode: 0o644}
	}
	return tarGzip(files)
}
