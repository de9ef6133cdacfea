package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestNPMPatches(t *testing.T) {
	const postinstall, patch = `{"scripts": {"postinstall": "patch-package"}, `, "patches/a+1.0.0.patch"
	tests := []struct {
		name, manifest string
		development    bool
		files          []string
		want           *Patches
	}{
		{"a dependency", postinstall + `"dependencies": {"patch-package": "8"}}`, false, []string{patch}, &Patches{[]string{patch}, true}},
		{"prepare", `{"scripts": {"prepare": "patch-package"}, "dependencies": {"patch-package": "8"}}`, false, []string{patch}, &Patches{[]string{patch}, true}},
		{"an optional dependency", postinstall + `"optionalDependencies": {"patch-package": "8"}}`, false, []string{patch}, &Patches{[]string{patch}, true}},
		{"a development dependency", postinstall + `"devDependencies": {"patch-package": "8"}}`, false, []string{patch}, &Patches{[]string{patch}, false}},
		{"an installed development dependency", postinstall + `"devDependencies": {"patch-package": "8"}}`, true, []string{patch}, &Patches{[]string{patch}, true}},
		{"a scope, and other files", postinstall + `"dependencies": {"patch-package": "8"}}`, false, []string{"patches/@s/b+2.patch", patch, "patches/README.md"}, &Patches{[]string{"patches/@s/b+2.patch", patch}, true}},
		{"no patches", postinstall + `"dependencies": {"patch-package": "8"}}`, false, nil, nil},
		{"another script", `{"scripts": {"postinstall": "patch-package && tsc"}, "dependencies": {"patch-package": "8"}}`, false, []string{patch}, nil},
		{"no script", `{"dependencies": {"patch-package": "8"}}`, false, []string{patch}, nil},
		{"other types", `{"scripts": ["patch-package"]}`, false, []string{patch}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := []string{PackageJSON, test.manifest}
			for _, file := range test.files {
				files = append(files, file, "")
			}
			got, err := NPMPatches(projecttest.Files(files...), test.development)
			projecttest.CheckError(t, err, "")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
