package manifests

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// LockRequests are the dependencies that the manifests of a project asked for when its lock file was written: for each directory, "." for
// the project's own, the ranges by name. Dependencies for development and optional ones are among them, peer dependencies are not.
type LockRequests map[string]map[string]string

// requested are the fields of a manifest whose dependencies count.
var requested = []string{"dependencies", "devDependencies", "optionalDependencies"}

func (r LockRequests) add(dir, name, wanted string) {
	if r[dir] == nil {
		r[dir] = map[string]string{}
	}
	r[dir][name] = wanted
}

// PNPMRequests returns what pnpm-lock.yaml says, or nothing if overrides or a pnpmfile changed the manifests before.
func PNPMRequests(data []byte) LockRequests {
	all, changed := LockRequests{}, false
	eachValue(data, func(keys []string, value string) {
		switch keys[0] {
		case "overrides", "ignoredOptionalDependencies", "pnpmfileChecksum", "packageExtensionsChecksum":
			changed = true
		case "importers":
			if len(keys) == 2 {
				all[path.Clean(keys[1])] = map[string]string{}
			}
			if len(keys) == 5 && keys[4] == "specifier" && slices.Contains(requested, keys[2]) {
				all.add(path.Clean(keys[1]), keys[3], value)
			}
		default: // a file of version 6 without a workspace
			if len(keys) == 3 && keys[2] == "specifier" && slices.Contains(requested, keys[0]) {
				all.add(".", keys[1], value)
			}
		}
	})
	if changed {
		return nil
	}
	return all
}

// YarnRequests returns what the entries of workspaces in yarn.lock say, or nothing for yarn 1, whose lock file has none. From yarn 4 on, ranges
// of the registry begin with "npm:" there.
func YarnRequests(data []byte) LockRequests {
	all := LockRequests{}
	eachValue(data, func(keys []string, value string) {
		m := yarnWorkspace.FindStringSubmatch(keys[0])
		if m == nil {
			return
		}
		dir, err := url.PathUnescape(m[1])
		if err != nil {
			return
		}
		dir = path.Clean(dir)
		if len(keys) == 1 {
			all[dir] = map[string]string{}
		}
		if len(keys) == 3 && keys[1] == "dependencies" {
			all.add(dir, keys[2], strings.TrimPrefix(value, "npm:"))
		}
	})
	return all
}

// BunRequests returns what bun.lock says.
func BunRequests(data []byte) LockRequests {
	all := LockRequests{}
	eachValue(data, func(keys []string, value string) {
		if keys[0] != "workspaces" || len(keys) == 1 {
			return
		}
		if len(keys) == 2 {
			all[path.Clean(keys[1])] = map[string]string{}
		}
		if len(keys) == 4 && slices.Contains(requested, keys[2]) {
			all.add(path.Clean(keys[1]), keys[3], value)
		}
	})
	return all
}

// YarnPatterns returns the names of the entries in a lock file of yarn 1: "NAME@RANGE".
func YarnPatterns(data []byte) map[string]bool {
	all := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || strings.ContainsAny(line[:1], " \t#") || !strings.HasSuffix(line, ":") {
			continue
		}
		for pattern := range strings.SplitSeq(strings.TrimSuffix(line, ":"), ", ") {
			all[unquoted(pattern)] = true
		}
	}
	return all
}

// eachValue calls visit for each key of a file whose lines are indented by their depth, as the package managers write YAML and JSON: with the
// keys that lead to it and its value, which is empty where deeper lines follow.
func eachValue(data []byte, visit func(keys []string, value string)) {
	var keys []string
	var indents []int
	for line := range strings.Lines(string(data)) {
		text := strings.TrimLeft(line, " ")
		key, value, ok := keyAndValue(strings.TrimRight(text, "\r\n"))
		if !ok {
			continue
		}
		indent := len(line) - len(text)
		depth, _ := slices.BinarySearch(indents, indent)
		keys, indents = append(keys[:depth], key), append(indents[:depth], indent)
		visit(keys, value)
	}
}

// keyAndValue cuts a line around the colon behind its key.
func keyAndValue(line string) (key, value string, ok bool) {
	if line == "" || strings.ContainsAny(line[:1], "#}]{[") {
		return "", "", false
	}
	end := strings.IndexByte(line, ':')
	if line[0] == '"' || line[0] == '\'' {
		closing := strings.IndexByte(line[1:], line[0])
		end = closing + 2
		if closing < 0 || end >= len(line) || line[end] != ':' {
			return "", "", false
		}
	}
	if end < 0 {
		return "", "", false
	}
	return scalar(line[:end]), scalar(line[end+1:]), true
}

// scalar returns a key or a value without quotes, and without what belongs to the form of JSON.
func scalar(text string) string {
	text = strings.TrimSuffix(strings.TrimSpace(text), ",")
	if text == "{" || text == "[" {
		return ""
	}
	if plain, err := strconv.Unquote(text); err == nil && text[0] == '"' {
		return plain
	}
	return unquoted(text)
}
