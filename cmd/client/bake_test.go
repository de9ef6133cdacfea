package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/bake"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
	"github.com/rtbuild/rtbuild/tags"
)

// namesOf gives the tags of a project on a base, as tags --format json prints them.
func namesOf(t *testing.T, dir, base string) tags.Set {
	t.Helper()
	var set tags.Set
	out := mustCommand(t, "tags", "--format", "json", "--repository", "registry.example.com/t/r", "--base-image", base, dir)
	if err := json.Unmarshal([]byte(out), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestBakeTargets(t *testing.T) {
	const (
		node, python     = examples + "node-agent", examples + "python-agent"
		bookworm, ubuntu = "debian:bookworm", "mirror.example.com:5000/ubuntu:24.04"
	)
	t.Setenv(repositoryEnv, "")
	source := func(dir, base string) []string { return []string{namesOf(t, dir, base).Images.Source} }
	deps := func(dir, base string) []string {
		images := namesOf(t, dir, base).Images
		return []string{images.Lock, images.Versioned}
	}
	tests := []struct {
		name string
		args []string
		want map[string][]string
	}{
		{name: "one", args: []string{node}, want: map[string][]string{"source": source(node, bookworm), "deps": deps(node, bookworm)}},
		{
			name: "one on another base", args: []string{"--base-image", ubuntu, node},
			want: map[string][]string{"source": source(node, ubuntu), "deps": deps(node, ubuntu)},
		},
		{
			name: "bases", args: []string{"--base_image", bookworm, "--base-image", ubuntu, node},
			want: map[string][]string{
				"debian-bookworm-source": source(node, bookworm), "debian-bookworm-deps": deps(node, bookworm),
				"mirror-example-com-5000-ubuntu-24-04-source": source(node, ubuntu), "mirror-example-com-5000-ubuntu-24-04-deps": deps(node, ubuntu),
			},
		},
		{
			name: "contexts", args: []string{node, python},
			want: map[string][]string{
				"node-agent-source": source(node, bookworm), "node-agent-deps": deps(node, bookworm),
				"python-agent-source": source(python, bookworm), "python-agent-deps": deps(python, bookworm),
			},
		},
		{
			name: "a matrix", args: []string{node, python, "--base-image", bookworm, "--base-image", ubuntu, "--bake-target", "{project}_{base}"},
			want: map[string][]string{
				"node-agent_debian-bookworm":                        source(node, bookworm),
				"node-agent_mirror-example-com-5000-ubuntu-24-04":   source(node, ubuntu),
				"python-agent_debian-bookworm":                      source(python, bookworm),
				"python-agent_mirror-example-com-5000-ubuntu-24-04": source(python, ubuntu),
			},
		},
		{
			name: "own words", args: []string{"--bake-target", "{role}_agent-bookworm", node},
			want: map[string][]string{"source_agent-bookworm": source(node, bookworm), "deps_agent-bookworm": deps(node, bookworm)},
		},
		{name: "the source alone", args: []string{"--bake-target", "agent", node}, want: map[string][]string{"agent": source(node, bookworm)}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			args := append([]string{"tags", "--format", "bake", "--repository", "registry.example.com/t/r"}, test.args...)
			want := bake.File{Target: map[string]bake.Target{}}
			for name, refs := range test.want {
				want.Target[name] = bake.Target{Tags: refs}
			}
			if got := readBake(t, mustCommand(t, args...)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

func readBake(t *testing.T, text string) (file bake.File) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return file
}

func TestBakeAndTagsRefuse(t *testing.T) {
	const repository = "--repository=registry.example.com/t/r"
	node := examples + "node-agent"
	tests := []struct {
		name string
		args []string
		want string
	}{
		{name: "no repository", args: []string{"--format", "bake", node}, want: "give --repository, or write a line such as repository:"},
		{name: "the same twice", args: []string{"--format=bake", repository, node, node}, want: `two runtimes have the target "node-agent-source"`},
		{name: "no such context", args: []string{"--format=bake", repository, "none"}, want: "context none"},
		{name: "a bad base", args: []string{"--format=bake", repository, "--base-image=A:b", node}, want: `invalid --base-image "A:b"`},
		{name: "contexts in text", args: []string{node, node}, want: "2 contexts: give one, or use --format bake"},
		{name: "bases in text", args: []string{"--base-image=a", "--base-image=b", node}, want: "2 base images: give one, or use --format bake"},
		{name: "targets in text", args: []string{"--bake-target=x", node}, want: "--bake-target needs --format bake"},
		{name: "another format", args: []string{"--format=xml", node}, want: `invalid --format "xml"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, "")
			_, err := command(t, append([]string{"tags"}, test.args...)...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if code := exitCode(err); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
		})
	}
}

func TestTagsRepository(t *testing.T) {
	tests := []struct {
		name, env string
		tree      filetree.Files
		args      []string
		want      string
	}{
		{name: "the original's", tree: filetree.OpenHands(), want: originalRepository},
		{name: "the variable's", tree: filetree.OpenHands(), env: "registry.example.com/env", want: "registry.example.com/env"},
		{name: "the flag's", tree: filetree.OpenHands(), env: "registry.example.com/env", args: []string{"--repository", "registry.example.com/flag"}, want: "registry.example.com/flag"},
		{name: "none in other profiles", tree: filetree.Files{"requirements.txt": "a==1\n", "runtime.yaml": "base: debian\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(repositoryEnv, test.env)
			var set tags.Set
			out := mustCommand(t, append([]string{"tags", "--format", "json", test.tree.Write(t, t.TempDir())}, test.args...)...)
			if err := json.Unmarshal([]byte(out), &set); err != nil {
				t.Fatal(err)
			}
			if set.Repository != test.want {
				t.Errorf("got %q, want %q", set.Repository, test.want)
			}
		})
	}
}
