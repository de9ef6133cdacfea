package lint

import "testing"

func TestIgnoreHidesHashed(t *testing.T) {
	const yaml = "base: " + pinned + "\n"
	hides := func(pattern, what string) string {
		return " pattern \"" + pattern + "\" hides " + what + ", so the image would contain none of it, and a change in it would not give a new tag: " +
			"narrow the pattern, or add an exception after it, such as !src"
	}
	keeps := func(pattern, file string) string {
		return " pattern \"" + pattern + "\" keeps " + file + " out of the source, but the dependencies are installed from it and it is in the deps image: " +
			"remove the pattern, or add !" + file + " after it"
	}
	tests := []struct {
		name, file, dockerignore string
		copied, want             []string
	}{
		{"nothing", yaml, "", nil, nil},
		{"patterns that hide no input", yaml, "# a\n*.log\ndocs\n", nil, nil},
		{"a lock file", yaml, "# a\n\n/package-lock.json\n", nil, []string{".dockerignore IgnoreHidesHashed: .dockerignore's" + keeps("package-lock.json", "package-lock.json") + " | /package-lock.json"}},
		{"a lock file that is re-included", yaml, "package*\n!package-lock.json\n", nil, []string{".dockerignore IgnoreHidesHashed: .dockerignore's" + keeps("package*", "package.json") + " | package*"}},
		{"a list of exceptions", yaml, "*\n!src\n!package*.json\n", []string{"src/a.js"}, nil},
		{"patterns of the runtime file", yaml + "ignore:\n- docs\n- '**/*.json'\n", "*.json\n", nil, []string{
			"runtime.yaml IgnoreHidesHashed: the" + keeps("**/*.json", "package-lock.json") + " | - '**/*.json'",
			"runtime.yaml IgnoreHidesHashed: the" + keeps("**/*.json", "package.json") + " | - '**/*.json'",
		}},
		{"a lock file that is not copied anyway", yaml + "source: [{path: src}]\n", "*.json\n", []string{"src/a"}, nil},
		{"everything", yaml, "*\n", nil, []string{".dockerignore IgnoreHidesHashed: .dockerignore's" + hides("*", "everything") + " | *"}},
		{"everything, by the list", yaml, "a\n**\n!no\n", []string{}, []string{".dockerignore IgnoreHidesHashed: .dockerignore's" + hides("**", "everything") + " | **"}},
		{"an empty project", yaml, "a\n", []string{}, nil},
		{"a source path", yaml + "source: [{path: src}, {path: lib}]\n", "\uFEFFsrc/\n", []string{"lib/a"}, []string{".dockerignore IgnoreHidesHashed: .dockerignore's" + hides("src", "src") + " | \uFEFFsrc/"}},
		{"all below a source path", yaml + "source: [{path: src}, {path: lib}]\nignore: ['src/**']\n", "", []string{"lib/a"}, []string{"runtime.yaml IgnoreHidesHashed: the" + hides("src/**", "src") + " | ignore: ['src/**']"}},
		{"a source path that is re-included partly", yaml + "source: [{path: src}]\n", "src\n!src/a\n", []string{"src/a"}, nil},
		{"a source path that nothing hides", yaml + "source: [{path: src}, {path: empty}]\n", "x\n", []string{"src/a"}, nil},
		{"a source path that the profile hides", yaml + "source:\n- path: venv\n- path: .\n", "", []string{"a"}, []string{"runtime.yaml IgnoreHidesHashed: the profile's" + hides("**/venv", "venv") + " | source:"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			project := node("runtime.yaml", test.file, ".dockerignore", test.dockerignore)
			check(t, Input{Runtime: load(t, project), Project: project, Copied: test.copied}, test.want...)
		})
	}
}
