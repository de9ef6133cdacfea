package endpoints

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/rtbuild/rtbuild/internal/imagebuild"
	"github.com/rtbuild/rtbuild/internal/profile/manifests"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/tags"
)

// server matches an address up to the end of its host, without user and password. The rest of the address belongs to one package. Git
// repositories may be reached by ssh, and are named as npm, pip and uv name them.
var server = regexp.MustCompile(`(?:^|["'= @])(?:git\+)?((?:https?|ssh|git)://)(?:[^/"' #@]*@)?((?:\[[0-9A-Fa-f:.]+\]|[\p{L}\p{N}._~-]+)(?::[0-9]+)?)/`)

// inLockFiles lists the servers in a project's lock files, with mirrors applied. A lock file without servers uses those of its
// package manager, which come from the step that runs it. The project's tags must have been computed.
func inLockFiles(p *project.Project) []imagebuild.Endpoint {
	var all []imagebuild.Endpoint
	for _, file := range tags.Paths(p.Tree.LockFiles) {
		read, known := readers[path.Base(file)]
		if !known && !strings.HasSuffix(file, ".txt") {
			continue // a manifest: no step contacts its addresses
		}
		data, err := projectfile.ReadFile(p.Files, file, projectfile.LockLimit)
		if err != nil {
			continue // it was removed after the tags were computed
		}
		if read == nil {
			read = uncommented
		}
		for _, text := range read(data) {
			for _, m := range server.FindAllStringSubmatch(text, -1) {
				all = append(all, imagebuild.Endpoint{Address: p.Runtime.Mirrored(m[1] + m[2]), For: file})
			}
		}
		if headers := p.Runtime.Mirrored(nodeHeaders); compilesAddons(path.Base(file), data) {
			all = append(all, imagebuild.Endpoint{Address: headers, For: "the headers of Node.js, if node-gyp compiles an addon"})
		}
	}
	return all
}

// readers return the texts of a lock file in which addresses are contacted. Other texts name pages for people: funding, documentation.
var readers = map[string]func(data []byte) []string{
	"package-lock.json": npmTexts, "npm-shrinkwrap.json": npmTexts,
	manifests.PNPMLock: pnpmTexts,
	manifests.YarnLock: uncommented, manifests.BunLock: uncommented, "poetry.lock": tomlTexts, "uv.lock": tomlTexts,
}

// npmTexts returns where npm fetches packages from. Lock files of version 1 say it of git repositories in version.
func npmTexts(data []byte) []string {
	var lock map[string]any
	_ = json.Unmarshal(data, &lock) // npm reports what is wrong with it
	var texts []string
	visit(lock, func(key, value string) {
		if key == "resolved" || key == "version" {
			texts = append(texts, value)
		}
	})
	return texts
}

// pnpmTexts returns where pnpm fetches packages from: archives, and git repositories.
func pnpmTexts(data []byte) []string {
	var lock map[string]any
	_ = yaml.Unmarshal(data, &lock) // pnpm reports what is wrong with it
	var texts []string
	visit(lock, func(key, value string) {
		if slices.Contains([]string{"tarball", "repo"}, key) {
			texts = append(texts, value)
		}
	})
	return texts
}

// tomlTexts returns where uv and Poetry fetch packages from: indexes, files, git repositories.
func tomlTexts(data []byte) []string {
	var lock map[string]any
	_ = toml.Unmarshal(data, &lock) // the manager reports what is wrong with it
	var texts []string
	visit(lock, func(key, value string) {
		if slices.Contains([]string{"url", "git", "registry"}, key) {
			texts = append(texts, value)
		}
	})
	return texts
}

// visit calls a function for each text in a tree, with its key.
func visit(tree any, each func(key, value string)) {
	switch t := tree.(type) {
	case map[string]any:
		for key, value := range t {
			if text, ok := value.(string); ok {
				each(key, text)
			}
			visit(value, each)
		}
	case []any:
		for _, value := range t {
			visit(value, each)
		}
	}
}

// comment matches a comment of a lock file in lines: the rest of a line behind a # that begins it or follows a blank.
var comment = regexp.MustCompile(`(?m)(^|[ \t])#.*$`)

// uncommented returns a file without its comments.
func uncommented(data []byte) []string { return []string{string(comment.ReplaceAll(data, nil))} }

// nodeHeaders is the site that node-gyp fetches the headers of Node.js from.
const nodeHeaders = "https://nodejs.org"

// addonTools are packages with which addons of Node.js are compiled.
var addonTools = []string{"node-gyp", "node-addon-api", "nan", "node-gyp-build", "prebuild-install", "bindings", "@mapbox/node-pre-gyp", "node-pre-gyp"}

// compilesAddons reports whether a lock file of Node.js has a package that compiles addons.
func compilesAddons(name string, data []byte) bool {
	if !slices.Contains([]string{"package-lock.json", "npm-shrinkwrap.json", manifests.PNPMLock, manifests.YarnLock, manifests.BunLock}, name) {
		return false
	}
	return slices.ContainsFunc(addonTools, func(tool string) bool {
		for _, form := range []string{"node_modules/" + tool + `"`, "\n" + tool + "@", "\n\"" + tool + "@", "  " + tool + "@", "  /" + tool + "@", "  '" + tool + "@", "    \"" + tool + "\": {", "    \"" + tool + "\": ["} {
			if bytes.Contains(data, []byte(form)) {
				return true
			}
		}
		return false
	})
}
