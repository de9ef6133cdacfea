package lint

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/projectfile"
)

// ownScripts are the scripts that npm ci and the other managers run for a project and its workspaces. See npm's documentation of scripts,
// "npm ci", and pnpm's of "pnpm:devPreinstall".
var ownScripts = []string{"pnpm:devPreinstall", "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"}

// scriptsLeftOut finds install scripts of the project itself. They do not run, because the dependencies are installed without the source.
func scriptsLeftOut(in Input) []Finding {
	if in.Runtime.Profile != "node" || in.Runtime.Dependencies.Manager == "none" {
		return nil
	}
	var all []Finding
	for _, file := range in.Runtime.Dependencies.Files {
		if path.Base(file) == packageJSON {
			all = append(all, in.scriptsOf(file)...)
		}
	}
	return all
}

// scriptsOf returns a finding if a manifest has install scripts. It marks the first of them.
func (in Input) scriptsOf(file string) []Finding {
	data, ok := in.read(file)
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var manifest object
	if !ok || json.Unmarshal(data, &manifest) != nil {
		return nil // other code reports an invalid manifest
	}
	scripts, _ := manifest["scripts"].(object)
	var names []string
	for _, name := range ownScripts {
		text, _ := scripts[name].(string)
		if text == manifests.PatchPackage && file == packageJSON && in.Runtime.PatchPackage == profile.PatchesApplied {
			continue // it runs once the dependencies are installed
		}
		if text != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	at := projectfile.SourceLocation{File: file, Data: data}
	at.First = lineOf(data, "scripts", names[0])
	at.Last = at.First
	if text := scripts[names[0]]; text == manifests.PatchPackage && file == packageJSON && in.Runtime.PatchPackage == profile.PatchesNot {
		return []Finding{ScriptsLeftOut.found(at, "the patches of the project are not applied, because patch-package is not among the installed dependencies: "+
			"move it to dependencies, run npm install --package-lock-only, and commit both")}
	}
	return []Finding{ScriptsLeftOut.found(at, "the scripts of %s do not run, because the dependencies are installed without the source: %s. "+
		"If the image needs what they do, run them by extra, such as extra: %s. If they need development dependencies, write dependencies: {env: {NODE_ENV: development}}, too",
		file, strings.Join(names, ", "), runScript(path.Dir(file), names[0]))}
}

// runScript returns the command that runs a script of the manifest in a directory.
func runScript(dir, name string) string {
	if dir == "." {
		return "npm run " + name
	}
	return "npm --prefix " + dir + " run " + name
}
