package rtbuild_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a reader takes in at a time. Lengths are in lines.
const (
	maxFunction = 60  // of programs; the tables of tests may be longer
	mostShort   = 25  // of nine in ten functions of programs
	maxFile     = 400 // tests included
	maxCommand  = 200 // a file of cmd/client: one command and its flags
)

// TestLengths: no file and no function is too long, and most functions are short.
func TestLengths(t *testing.T) {
	var all []int // lengths of functions
	for _, file := range goFiles(t) {
		positions := token.NewFileSet()
		parsed, err := parser.ParseFile(positions, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if lines := positions.File(parsed.FileStart).LineCount(); lines > limit(file) {
			t.Errorf("%s has %d lines, the limit is %d: split it", file, lines, limit(file))
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			begin, end := positions.Position(function.Pos()), positions.Position(function.End())
			lines := end.Line - begin.Line + 1
			all = append(all, lines)
			if lines > maxFunction {
				t.Errorf("%s: %s has %d lines, the limit is %d: split it", begin, function.Name.Name, lines, maxFunction)
			}
		}
	}
	slices.Sort(all)
	if lines := all[len(all)*9/10]; lines > mostShort {
		t.Errorf("one function in ten has %d lines or more: nine in ten should have at most %d", lines, mostShort)
	}
}

// limit is the limit for a file.
func limit(file string) int {
	if path.Dir(file) == "cmd/client" && !strings.HasSuffix(file, "_test.go") {
		return maxCommand
	}
	return maxFile
}

// goFiles lists the Go files of all modules.
func goFiles(t *testing.T) []string {
	t.Helper()
	return files(t, func(name string) bool { return strings.HasSuffix(name, ".go") })
}

// files lists the files of the repository that a function wants.
func files(t *testing.T, want func(name string) bool) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || entry.Name() == "bin" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.Type().IsRegular() && want(name):
			all = append(all, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
