package runtimefile

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/projectfile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// FuzzParse shows that no file makes the parser panic. An error is an *Error that points into the file, and the fields lie in the file.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		projecttest.Everything, "", "---", "a: [", "user: &u {uid: 1}\nenv: *u", "base: a\n---\n", "? [a]\n: b", "packages: {apt: [a]}", "\xff", "a: &a [*a]", "env: {<<: &a {b: c}}",
		"runtime: {python: 3.10}", "cmd: a b", "tools: [{sha256: {amd64: 1}}]", "{}", "!!binary a: b", "\t- a", "a: |\n  b\n c", "%YAML 1.1\n---\nbase: b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(Name, append([]byte{}, data...), known)
		var e *projectfile.Error
		if err != nil {
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), Name+":") || e.Message == "" {
				t.Fatalf("error is a %T: %v", err, err)
			}
			return
		}
		for _, field := range append(slices.Collect(maps.Keys(fileFields)), "tools.uv", "source.a", "ignore.a") {
			if at := file.Location(field); at.First < 1 || at.Last < at.First || at.Last > 1+bytes.Count(data, []byte("\n")) {
				t.Fatalf("%s is in lines %d to %d", field, at.First, at.Last)
			}
		}
	})
}
