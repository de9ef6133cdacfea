package profile

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// FuzzLoad shows that no file makes the parser panic, that what is wrong with it is an *Error that points into it, that
// its fields lie in it, and that what is right gives the same tags twice.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		everything, "", "---", "a: [", "user: &u {uid: 1}\nenv: *u", "base: a\n---\n", "? [a]\n: b", "packages: {apt: [a]}", "\xff", "a: &a [*a]", "env: {<<: &a {b: c}}",
		"runtime: {python: 3.10}", "cmd: a b", "tools: [{sha256: {amd64: 1}}]", "{}", "!!binary a: b", "\t- a", "a: |\n  b\n c", "%YAML 1.1\n---\nbase: b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := parseDocument(text{name: fileName, data: append([]byte{}, data...)})
		r := profileOf("node").runtime()
		if err == nil {
			err = d.apply(r)
		}
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), fileName+":") || e.Message == "" {
				t.Fatalf("error is a %T: %v", err, err)
			}
			return
		}
		r.given.document = d
		for _, field := range append(slices.Collect(maps.Keys(fileFields)), "tools.uv", "source.a", "ignore.a") {
			if first, last := r.Lines(field); first < 1 || last < first || last > 1+bytes.Count(data, []byte("\n")) {
				t.Fatalf("%s is in lines %d to %d", field, first, last)
			}
		}
		first, second := r.ToolsDigest(), r.ToolsDigest()
		if first != second || r.TagInputs().Base != r.Base {
			t.Fatal("not the same twice")
		}
	})
}

// FuzzRequirements shows that no requirements file makes its reader panic.
func FuzzRequirements(f *testing.F) {
	for _, seed := range []string{"a==1", "a \\\n==1", "-r requirements.txt", "-c x", "\\", "# a", "-e .", "a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		_, err := requirementFiles(files("requirements.txt", data), "requirements.txt")
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("error is a %T: %v", err, err)
		}
	})
}
