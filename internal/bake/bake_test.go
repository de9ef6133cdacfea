package bake

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/project"
	"github.com/rtbuild/rtbuild/tags"
)

// runtime returns a project in a directory, on a base. Its tags contain the names of both.
func runtime(dir, base string) *project.Project {
	ref := func(tag string) string { return "r.example/" + dir + ":" + tag + "-" + base }
	return &project.Project{
		Root: "/src/" + dir, Runtime: &profile.Runtime{Base: base},
		Tags: tags.Set{Images: tags.Images{Source: ref("s"), Lock: ref("l"), Versioned: ref("v")}},
	}
}

func TestAdd(t *testing.T) {
	node, python, ubuntu := runtime("node", "debian"), runtime("python", "debian"), runtime("node", "a.example:5000/ubuntu:24.04")
	tests := []struct {
		name  string
		names Names
		all   []*project.Project
		want  map[string]string // the tags of each target, separated by spaces
		err   string
	}{
		{name: "one", names: DefaultNames(false, false), all: []*project.Project{node},
			want: map[string]string{"source": "r.example/node:s-debian", "deps": "r.example/node:l-debian r.example/node:v-debian"}},
		{name: "contexts", names: DefaultNames(true, false), all: []*project.Project{node, python}, want: map[string]string{
			"node-source": "r.example/node:s-debian", "node-deps": "r.example/node:l-debian r.example/node:v-debian",
			"python-source": "r.example/python:s-debian", "python-deps": "r.example/python:l-debian r.example/python:v-debian",
		}},
		{name: "both, the source alone", names: "{project}_{base}", all: []*project.Project{node, ubuntu}, want: map[string]string{
			"node_debian": "r.example/node:s-debian", "node_a-example-5000-ubuntu-24-04": "r.example/node:s-a.example:5000/ubuntu:24.04",
		}},
		{name: "no name for both bases", names: DefaultNames(true, false), all: []*project.Project{node, ubuntu}, err: `two runtimes have the target "node-source"`},
		{name: "a character that bake does not accept", names: "a.{role}", all: []*project.Project{node}, err: `it gives the name "a.source"`},
		{name: "an unknown placeholder", names: "{target}", all: []*project.Project{node}, err: `it gives the name "{target}"`},
		{name: "no repository", names: "x", all: []*project.Project{{}}, err: "give --repository, or write a line such as repository:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f File
			var err error
			for _, p := range tt.all {
				if err == nil {
					err = f.Add(tt.names, p)
				}
			}
			if tt.err != "" || err != nil {
				if err == nil || tt.err == "" || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			got := map[string]string{}
			for name, target := range f.Target {
				got[name] = strings.Join(target.Tags, " ")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
