package releases

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// ChangePackage locks another version of one package of a project of OpenHands, as "poetry update termcolor" would: a package that
// nothing else is built on, with the files and hashes of the index.
func ChangePackage(ctx context.Context, dir string) error {
	const project, version = "termcolor", "3.0.1"
	links, err := Links(ctx, project)
	if err != nil {
		return err
	}
	var files strings.Builder
	for _, link := range links {
		if strings.HasPrefix(link.Name, project+"-"+version+"-") || link.Name == project+"-"+version+".tar.gz" {
			fmt.Fprintf(&files, "    {file = %q, hash = \"sha256:%s\"},\n", link.Name, link.SHA256)
		}
	}
	if files.Len() == 0 {
		return fmt.Errorf("the index has no files of %s %s", project, version)
	}
	block := regexp.MustCompile(`(?s)(\nname = "` + project + `"\nversion = ")[^"]+(".*?\nfiles = \[\n).*?\]`)
	return replace(filepath.Join(dir, "poetry.lock"), block, "${1}"+version+"${2}"+files.String()+"]")
}

// ChangeVersion gives a project of OpenHands another version.
func ChangeVersion(dir, version string) error {
	return replace(filepath.Join(dir, "pyproject.toml"), regexp.MustCompile(`(?m)^version = "[^"]+"$`), fmt.Sprintf("version = %q", version))
}

// Server is the program of OpenHands that an image starts, and aliveAnswer is what it answers to /alive.
const (
	Server      = "openhands/runtime/action_execution_server.py"
	aliveAnswer = `return {'status': 'ok'`
)

// EditSource makes the server answer another status to /alive.
func EditSource(dir, status string) error {
	return replace(filepath.Join(dir, Server), regexp.MustCompile(regexp.QuoteMeta(aliveAnswer)), "return {'status': '"+status+"'")
}

// replace replaces the one match of an expression in a file.
func replace(name string, expression *regexp.Regexp, replacement string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if n := len(expression.FindAll(data, -1)); n != 1 {
		return fmt.Errorf("%s has %d places like %s, not one", name, n, expression)
	}
	return os.WriteFile(name, expression.ReplaceAll(data, []byte(replacement)), 0o644)
}
