package lint

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/frontend/dockerfile/linter"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// pinned is a base without findings.
const pinned = "debian@sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

// files returns a project with these files: names and contents alternate.
func files(nameContent ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(nameContent); i += 2 {
		fsys[nameContent[i]] = &fstest.MapFile{Data: []byte(nameContent[i+1])}
	}
	return fsys
}

// node returns a project of profile node with further files.
func node(nameContent ...string) fstest.MapFS {
	fsys := files("package.json", "{}", "package-lock.json", `{"lockfileVersion": 3, "packages": {"": {}}}`, "runtime.yaml", "base: "+pinned+"\n")
	for name, file := range files(nameContent...) {
		fsys[name] = file
	}
	return fsys
}

func load(t *testing.T, project fs.FS) *profile.Runtime {
	t.Helper()
	r, err := profile.Load(project, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inLines formats each finding as "FILE RULE: DETAIL | FIRST MARKED LINE".
func inLines(findings []Finding) []string {
	var all []string
	for _, f := range findings {
		var at strings.Builder
		_ = Print(&at, []Finding{{File: f.File, Data: f.Data, First: f.First, Last: f.Last}})
		line := f.File + " " + f.Rule + ": " + f.Detail
		if _, marked, found := strings.Cut(at.String(), ">>> "); found {
			marked, _, _ = strings.Cut(marked, "\n")
			line += " | " + marked
		}
		all = append(all, line)
	}
	return all
}

// started returns the findings of all rules but NoCommand: most projects of these tests say nothing of how they start.
func started(findings []Finding) []Finding {
	return Select(findings, &linter.Config{SkipRules: []string{NoCommand.Name}})
}

// check compares the findings of Check with lines in the format of inLines.
func check(t *testing.T, in Input, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, inLines(started(Check(in)))); diff != "" {
		t.Error(diff)
	}
}

func TestPinned(t *testing.T) {
	const sum = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
	const tool = "base: " + pinned + "\ntools:\n- {name: uv, version: 0.8.3, url: 'https://e.com/URL', sha256: {amd64: " + sum + "}}\n"
	const moves = "the url of tool uv does not contain its version, so the build fails when the url serves another version: use a url with {version}"
	tests := []struct {
		name, file string
		in         Input
		want       []string
	}{
		{"a digest", "base: " + pinned, Input{}, nil},
		{"a tag and a digest", "base: debian:12" + strings.TrimPrefix(pinned, "debian"), Input{}, nil},
		{"a tag", "version: 1\nbase: debian:12", Input{}, []string{"runtime.yaml UnpinnedBase: the base debian:12 may point to another image tomorrow: write base: debian:12@sha256:DIGEST; " +
			"docker buildx imagetools inspect debian:12 shows its digest | base: debian:12"}},
		{"a tag whose digest is known", "base: debian:12", Input{BaseDigest: "sha256:0a"}, []string{"runtime.yaml UnpinnedBase: the base debian:12 may point to another image tomorrow: " +
			"write base: debian:12@sha256:0a, its current digest | base: debian:12"}},
		{"a tool", strings.Replace(tool, "URL", "{version}/uv", 1), Input{Platforms: []string{"linux/amd64"}}, nil},
		{"the version in the url", strings.Replace(tool, "URL", "uv-0.8.3.tar.gz", 1), Input{}, nil},
		{"the checksum in the url", strings.Replace(tool, "URL", sum, 1), Input{}, nil},
		{"neither in the url", strings.Replace(tool, "URL", "latest/uv", 1), Input{}, []string{"runtime.yaml UnpinnedTool: " + moves + " | " + strings.Split(strings.Replace(tool, "URL", "latest/uv", 1), "\n")[2]}},
		{"a platform without a checksum", strings.Replace(tool, "URL", "{version}", 1), Input{Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/arm64"}},
			[]string{"runtime.yaml UnpinnedTool: tool uv has no sha256 for arm64, which this build needs: add arm64: CHECKSUM to its sha256 | " + strings.Split(strings.Replace(tool, "URL", "{version}", 1), "\n")[2]}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.in.Runtime = load(t, node("runtime.yaml", test.file))
			check(t, test.in, test.want...)
		})
	}
}

// TestWithoutFile checks that findings about the command line have no location.
func TestWithoutFile(t *testing.T) {
	r, err := profile.Load(files("package-lock.json", "{}"), profile.Options{Base: "debian"})
	if err != nil {
		t.Fatal(err)
	}
	findings := started(Check(Input{Runtime: r}))
	if len(findings) != 1 || findings[0].Rule != "UnpinnedBase" || findings[0].File != "" || findings[0].First != 0 {
		t.Errorf("got %+v", findings)
	}
	if got := Check(Input{}); got != nil {
		t.Errorf("of nothing: %+v", got)
	}
}

func TestUnhashedSource(t *testing.T) {
	project := node("runtime.yaml", "base: "+pinned+"\nsource:\n- path: src\n- path: ./assets/\n  hash: false\n")
	check(t, Input{Runtime: load(t, project)}, "runtime.yaml UnhashedSource: assets is copied but not hashed, so a change in it does not give a new tag: "+
		"write hash: true, or leave it out of source | - path: ./assets/")
	openhands := files("pyproject.toml", "[project]\nname='openhands-ai'\n", "poetry.lock", "", "runtime.yaml", "base: "+pinned)
	check(t, Input{Runtime: load(t, openhands)}) // skills is not hashed there, by the profile
}

func TestSecrets(t *testing.T) {
	contents := files(
		"tls/real.pem", "x\n-----BEGIN RSA PRIVATE KEY-----\n", "tls/ca.pem", "-----BEGIN CERTIFICATE-----\n", "a.key", "-----BEGIN PRIVATE KEY-----",
		".npmrc", "//registry.example.com/:_authToken=abc\n", "b/.npmrc", "//registry.example.com/:_authToken=${NPM_TOKEN}\nalways-auth = true\n",
	)
	tests := []struct {
		file string
		what string // empty if there is no finding
	}{
		{"src/a.js", ""},
		{".env", "a file of environment variables"},
		{"a/.env.production", "a file of environment variables"},
		{".env.example", ""},
		{".envrc", ""},
		{"environment", ""},
		{"tls/real.pem", "a private key"},
		{"tls/ca.pem", ""},
		{"tls/unread.pem", "a private key"},
		{"a.key", "a private key"},
		{"ssh/id_ed25519", "a private key"},
		{"ssh/id_ed25519.pub", ""},
		{"id_rsa", "a private key"},
		{"a.P12", "a store of private keys"},
		{".npmrc", "a file of npm's tokens"},
		{"b/.npmrc", ""},
		{"c/.npmrc", "a file of npm's tokens"},
		{".netrc", "a file of passwords"},
		{".git-credentials", "a file of passwords"},
		{"x/credentials.json", "a file of credentials"},
		{"home/.aws/credentials", "a file of credentials"},
		{"aws/credentials", ""},
		{".docker/config.json", "a file of credentials"},
		{"config.json", ""},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			var want []string
			if test.what != "" {
				want = []string{test.file + " SecretInSource: " + test.file + " looks like " + test.what + ", and everybody who can pull " +
					"the image could read it: add it to ignore or .dockerignore, and pass it to the agent at run time"}
			}
			check(t, Input{Runtime: &profile.Runtime{Ignore: []string{"x"}}, Project: contents, Copied: []string{test.file}}, want...)
		})
	}
	t.Run("without contents", func(t *testing.T) {
		check(t, Input{Copied: []string{"tls/ca.pem"}}, "tls/ca.pem SecretInSource: tls/ca.pem looks like a private key, and everybody who can pull "+
			"the image could read it: move it out of the source, and pass it to the agent at run time")
	})
}

// TestSecretInDependencyFile checks that a token in a dependency file is found, because the deps image contains the file. The
// profile's ignore pattern for that file is not reported: the user cannot remove it. (Package profile refuses a token in the project's .npmrc.)
func TestSecretInDependencyFile(t *testing.T) {
	for _, tt := range []struct{ name, npmrc, want string }{
		{"a token", "//registry.example.com/:_authToken=npm_1\n", "runtime.yaml SecretInSource: sub/.npmrc looks like a file of npm's tokens, and everybody who can pull " +
			"the deps image could read it: remove it from dependencies.files, and pass it to the build as a secret: --secret id=npmrc,src=sub/.npmrc" +
			" | dependencies: {files: [package.json, package-lock.json, sub/.npmrc]}"},
		{"a variable", "//registry.example.com/:_authToken=${NPM_TOKEN}\n", ""},
		{"settings", "legacy-peer-deps=true\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := node("sub/.npmrc", tt.npmrc, "main.js", "", "runtime.yaml",
				"base: "+pinned+"\ndependencies: {files: [package.json, package-lock.json, sub/.npmrc]}\n")
			in := Input{Runtime: load(t, project), Project: project, Copied: []string{"main.js"}}
			got := inLines(append(hiddenFiles(in), secrets(in)...))
			if strings.Join(got, "\n") != tt.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}

func TestPlatformsLost(t *testing.T) {
	tests := []struct {
		name  string
		built []string
		has   []string
		want  []string
	}{
		{"the same", []string{"linux/amd64"}, []string{"linux/amd64"}, nil},
		{"equal variants", []string{"linux/arm64", "linux/arm/v7"}, []string{"linux/arm64/v8", "linux/arm"}, nil},
		{"another one", []string{"linux/amd64"}, []string{"linux/amd64", "linux/arm64"}, []string{"e.com/a:t would lose linux/arm64: build linux/arm64 as well, or use a repository for each platform"}},
		{"another variant", []string{"linux/arm/v7"}, []string{"linux/arm/v6"}, []string{"e.com/a:t would lose linux/arm/v6: build linux/arm/v6 as well, or use a repository for each platform"}},
		{"unknown platforms", []string{"linux/amd64"}, nil, []string{"e.com/a:t would lose the other platforms: build them as well, or use a repository for each platform"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := Input{Runtime: load(t, node("runtime.yaml", "base: "+pinned+"\nrepository: e.com/a")), Platforms: test.built, Published: []Published{{"e.com/a:t", test.has}}}
			var want []string
			for _, detail := range test.want {
				want = append(want, "runtime.yaml PlatformsLost: "+detail+" | repository: e.com/a")
			}
			check(t, in, want...)
		})
	}
}

// TestOrder checks that findings are sorted by file, line and rule.
func TestOrder(t *testing.T) {
	project := node("runtime.yaml", "# a\nsource: [{path: src}, {path: b, hash: false}]\nbase: debian\n", ".dockerignore", "src\n")
	findings := started(Check(Input{Runtime: load(t, project), Project: project, Copied: []string{"b/.netrc"}}))
	var got []string
	for _, f := range findings {
		got = append(got, f.File+" "+f.Rule)
	}
	want := []string{".dockerignore IgnoreHidesHashed", "b/.netrc SecretInSource", "runtime.yaml UnhashedSource", "runtime.yaml UnpinnedBase"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRules checks that each rule has a description, and that the docs list the rules.
func TestRules(t *testing.T) {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
		if r.Description == "" {
			t.Errorf("%s has no description", r.Name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
	page, err := os.ReadFile("../../docs/frontend.md")
	if err != nil {
		t.Fatal(err)
	}
	_, checks, _ := strings.Cut(string(page), "| rule | finds |\n|---|---|\n")
	checks, _, _ = strings.Cut(checks, "\n\n")
	var documented []string
	for row := range strings.SplitSeq(checks, "\n") {
		documented = append(documented, strings.Fields(row)[1])
	}
	if diff := cmp.Diff(names, documented); diff != "" {
		t.Errorf("docs/frontend.md has other rules: %s", diff)
	}
}
