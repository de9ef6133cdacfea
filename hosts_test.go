package rtbuild_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// publicHost matches the scheme and the host of an address that is no example.
var publicHost = regexp.MustCompile(`https?://((?:[a-z0-9-]+\.)+[a-z]{2,})`)

// example matches hosts that are reserved for documents.
var example = regexp.MustCompile(`(^|\.)example(\.com)?$`)

// TestHostsAreWrittenOnce: the programs name a public server in one place, so that a mirror replaces it everywhere.
func TestHostsAreWrittenOnce(t *testing.T) {
	where := map[string][]string{}
	programs := regexp.MustCompile(`^(tags|llb|internal|cmd)/.+\.(go|py)$`)
	for _, file := range files(t, programs.MatchString) {
		if strings.HasSuffix(file, "_test.go") || tools.MatchString(file[:strings.LastIndex(file, "/")]) {
			continue
		}
		for _, text := range texts(t, file) {
			for _, m := range publicHost.FindAllStringSubmatch(text, -1) {
				if !example.MatchString(m[1]) {
					where[m[1]] = append(where[m[1]], file)
				}
			}
		}
	}
	if len(where) == 0 {
		t.Error("no program names a public server")
	}
	for host, files := range where {
		if len(files) > 1 {
			t.Errorf("%s is written in %s: keep one constant", host, strings.Join(files, " and "))
		}
	}
}

// pythonDocs matches the documentation strings and comments of a Python program.
var pythonDocs = regexp.MustCompile(`(?s)""".*?"""|#[^\n]*`)

// texts returns the string literals of a Go file, or a Python program without its documentation.
func texts(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(file, ".go") {
		return []string{pythonDocs.ReplaceAllString(string(data), "")}
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, data, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, _ := strconv.Unquote(literal.Value) // the parser accepted it
			all = append(all, text)
		}
		return true
	})
	return all
}
