package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/lint"
	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/testenv/filetree"
)

const checkedBase = "debian@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

func TestCheck(t *testing.T) {
	const clean = "base: " + checkedBase + "\n"
	tests := []struct {
		name    string
		runtime string
		more    string // a further file
		options planOptions
		want    string // what is printed
		err     string
		code    int
	}{
		{name: "nothing", runtime: clean, want: "Check complete, no warnings found.\n"},
		{name: "nothing, as JSON", runtime: clean, options: planOptions{printing: options.Printing{Format: "json"}}, want: "{\n  \"findings\": []\n}\n"},
		{
			name: "one", runtime: clean, more: "lib/id_rsa",
			want: "Check complete, 1 warning has been found!\n\nWARNING: SecretInSource\nlib/id_rsa looks like a private key, and everybody who can pull the image could read it: " +
				"add it to ignore or .dockerignore, and pass it to the agent at run time\n",
			err: "the check found problems: see the warnings (1)", code: exitBuild,
		},
		{
			name: "two", runtime: "base: debian:12\n", more: "a.p12",
			want: "Check complete, 2 warnings have been found!\n\nWARNING: SecretInSource\na.p12 looks like a store of private keys, and everybody who can pull the image could read it: " +
				"add it to ignore or .dockerignore, and pass it to the agent at run time\n\nWARNING: UnpinnedBase\nthe base debian:12 may point to another image tomorrow: " +
				"write base: debian:12@sha256:DIGEST; docker buildx imagetools inspect debian:12 shows its digest\n" +
				"runtime.yaml:1\n--------------------\n   1 | >>> base: debian:12\n   2 |     \n--------------------\n",
			err: "the check found problems: see the warnings (2)", code: exitBuild,
		},
		{name: "a rule that the file skips", runtime: "# check=skip=UnpinnedBase\nbase: debian:12\n", want: "Check complete, no warnings found.\n"},
		{name: "a rule that a build argument skips", runtime: "base: debian:12\n", options: planOptions{plan: options.Plan{Args: skip("UnpinnedBase")}}, want: "Check complete, no warnings found.\n"},
		{name: "a build argument overrides the line", runtime: "# check=skip=UnpinnedBase\nbase: debian:12\n", more: "a.p12", options: planOptions{plan: options.Plan{Args: skip("all")}}, want: "Check complete, no warnings found.\n"},
		{name: "all rules skipped", runtime: "# syntax=x\n# check=skip=all\nbase: debian:12\n", more: "a.p12", want: "Check complete, no warnings found.\n"},
		{name: "a setting that does not exist", runtime: "# check=skpi=all\nbase: debian:12\n", err: `invalid check option "skpi"`, code: exitUsage},
		{name: "what is ignored", runtime: clean + "ignore: ['*.p12']\n", more: "a.p12", want: "Check complete, no warnings found.\n"},
		{
			name: "a platform", options: planOptions{runtime: options.Runtime{Platforms: []ocispecs.Platform{{OS: "linux", Architecture: "arm64"}}}},
			runtime: clean + "tools: [{name: uv, version: 1, url: 'https://e.com/{version}', sha256: {amd64: " + strings.Repeat("0a", 32) + "}}]\n",
			want: "Check complete, 1 warning has been found!\n\nWARNING: UnpinnedTool\ntool uv has no sha256 for arm64, which this build needs: add arm64: CHECKSUM to its sha256\n" +
				"runtime.yaml:2\n--------------------\n   1 |     base: " + checkedBase + "\n   2 | >>> tools: [{name: uv, version: 1, url: 'https://e.com/{version}', sha256: {amd64: " + strings.Repeat("0a", 32) + "}}]\n   3 |     \n--------------------\n",
			err: "the check found problems: see the warnings (1)", code: exitBuild,
		},
		{name: "a file that cannot be used", runtime: "bas: x\n", err: `runtime.yaml:1:1: unknown field "bas": did you mean "base"?`, code: exitUsage},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			filetree.Files{"package.json": `{"main": "a.js"}`, "package-lock.json": `{"lockfileVersion": 3}`, "a.js": "", "runtime.yaml": test.runtime}.Write(t, dir)
			if test.more != "" {
				filetree.Files{test.more: ""}.Write(t, dir)
			}
			var out bytes.Buffer
			err := runCheck(t.Context(), &out, &test.options, []string{dir})
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				if test.err != "" {
					t.Errorf("no error, want %s", test.err)
				}
			} else if firstLine(err) != test.err || exitCode(err) != test.code {
				t.Errorf("error %v, code %d; want %s, code %d", err, exitCode(err), test.err, test.code)
			}
		})
	}
}

// TestFindingsJSON shows the form that scripts read.
func TestFindingsJSON(t *testing.T) {
	var out bytes.Buffer
	finding := lint.Finding{Rule: "A", Description: "b", Detail: "c", File: "d", Data: []byte("secret"), First: 1, Last: 2}
	if err := printFindings(&out, true, []lint.Finding{finding, {Rule: "B"}}); err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"findings": []any{
		map[string]any{"rule": "A", "description": "b", "detail": "c", "file": "d", "firstLine": 1.0, "lastLine": 2.0},
		map[string]any{"rule": "B", "description": "", "detail": ""},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func firstLine(err error) string {
	if err == nil {
		return ""
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// skip returns the build argument that skips a rule.
func skip(rule string) []options.KeyValue {
	return []options.KeyValue{{Key: lint.SettingsArg, Value: "skip=" + rule}}
}

// TestStrictSkips: what the file or a build argument skips, --strict does not refuse.
func TestStrictSkips(t *testing.T) {
	const file = "base: " + checkedBase + "\ncmd: [node, absent.js]\n"
	tests := []struct {
		name, runtime string
		args          []options.KeyValue
		refused       bool
	}{
		{"nothing", file, nil, true},
		{"the rule", "# check=skip=MissingStart\n" + file, nil, false},
		{"another rule", "# check=skip=NoCommand\n" + file, nil, true},
		{"by a build argument", file, skip("MissingStart"), false},
		{"a build argument overrides the line", "# check=skip=MissingStart\n" + file, skip("NoCommand"), true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filetree.Files{"runtime.yaml": test.runtime, "package.json": "{}", "package-lock.json": "{}"}.Write(t, t.TempDir())
			p, err := readTarget(&options.Runtime{}, []string{dir})
			if err == nil {
				p.buildArgs = options.Pairs(test.args, nil)
				err = p.ComputeTags(t.Context(), "")
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := checkStrict(p); (err != nil) != test.refused {
				t.Errorf("--strict: %v", err)
			}
		})
	}
}
