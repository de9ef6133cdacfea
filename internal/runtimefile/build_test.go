package runtimefile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestBuild reads the forms of build.
func TestBuild(t *testing.T) {
	shell := func(line string) []string { return []string{"/bin/sh", "-c", line} }
	for _, tt := range []struct {
		name, yaml string
		want       *Build
	}{
		{"not set", "base: a", nil},
		{"none", "build: none", &Build{None: true}},
		{"a line", "build: ' npm run build && cp a b '", &Build{Run: shell("npm run build && cp a b")}},
		{"words", "build: [npm, run, build]", &Build{Run: []string{"npm", "run", "build"}}},
		{"a program called none", "build: [none]", &Build{Run: []string{"none"}}},
		{"all fields", "build: {run: make, packages: {apt: [g++, gcc]}, outputs: [./lib/, dist, dist], network: default, env: {CI: true, N: 3}}", &Build{
			Run: shell("make"), Packages: map[string][]string{"apt": {"g++", "gcc"}}, Outputs: []string{"dist", "lib"}, Network: true, Env: map[string]string{"CI": "true", "N": "3"},
		}},
		{"packages alone", "build: {packages: [g++]}", &Build{Packages: map[string][]string{"": {"g++"}}}},
		{"no network, as by default", "build: {run: make, network: none}", &Build{Run: shell("make")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Parse(Name, []byte(tt.yaml), known)
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(tt.want, f.Build); diff != "" {
				t.Error(diff)
			}
			projecttest.CheckSchema(t, Schema(), tt.yaml, true)
		})
	}
}
