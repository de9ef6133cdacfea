package rtbuild_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	gopackages "golang.org/x/tools/go/packages"
)

// systems are one of each operating system that the client is released for, as GOOS/GOARCH, but for the one that all tests run on.
// make release compiles all.
var systems = []string{"darwin/arm64", "windows/amd64"}

// TestSystems checks the types of the client on every system. It compiles nothing: to compile the client's dependencies for each
// system takes minutes. make release compiles and links it.
func TestSystems(t *testing.T) {
	for _, system := range systems {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			goos, arch, _ := strings.Cut(system, "/")
			config := &gopackages.Config{
				Mode:      gopackages.NeedName | gopackages.NeedSyntax | gopackages.NeedTypes | gopackages.NeedTypesInfo | gopackages.NeedImports | gopackages.NeedDeps | gopackages.NeedModule,
				Env:       append(os.Environ(), "GOOS="+goos, "GOARCH="+arch, "CGO_ENABLED=0"),
				ParseFile: parseOurs,
			}
			all, err := gopackages.Load(config, "./cmd/client")
			if err != nil {
				t.Fatal(err)
			}
			gopackages.Visit(all, nil, func(p *gopackages.Package) {
				for _, err := range p.Errors {
					if strings.HasPrefix(p.PkgPath+"/", module) {
						t.Error(err)
					}
				}
			})
		})
	}
}

// parseOurs parses a file. Of other modules it keeps only what their packages export: bodies of functions take most of the time.
func parseOurs(files *token.FileSet, name string, source []byte) (*ast.File, error) {
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil || ours(name) {
		return file, err
	}
	for _, declared := range file.Decls {
		if f, ok := declared.(*ast.FuncDecl); ok {
			f.Body = nil
		}
	}
	return file, nil
}

// ours reports whether a file is in this repository.
func ours(name string) bool {
	dir, err := os.Getwd()
	return err == nil && strings.HasPrefix(name, dir+string(os.PathSeparator))
}
