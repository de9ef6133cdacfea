package manifests

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const pnpmLock9 = `lockfileVersion: '9.0'

patchedDependencies:
  is-number@7.0.0:
    hash: jjidl7utuvtxfmjqcinmoonbvm
    path: patches/is-number@7.0.0.patch

importers:

  .:
    dependencies:
      a:
        specifier: workspace:*
        version: link:packages/a
      l:
        specifier: link:libs/l
        version: link:libs/l

  'packages/a':
    dependencies:
      b:
        specifier: workspace:*
        version: link:../b

  packages/b: {}

packages:

  d@file:libs/d:
    resolution: {directory: libs/d, type: directory}

  is-number@7.0.0:
    resolution: {integrity: sha512-41==}

  tg@file:vendor/tg.tgz:
    resolution: {integrity: sha512-Cn==, tarball: file:vendor/tg.tgz}
    version: 1.0.0
`

func TestParsePNPMLock(t *testing.T) {
	tests := []struct {
		name, lock string
		want       PNPMLocked
	}{
		{"a workspace of pnpm 9", pnpmLock9, PNPMLocked{
			Version: "9.0", OldPatches: true, Importers: []string{".", "packages/a", "packages/b"},
			Links:       []string{"packages/a", "libs/l", "packages/b"},
			Directories: []string{"libs/d"}, Files: []string{"patches/is-number@7.0.0.patch", "vendor/tg.tgz"},
		}},
		{"a project of pnpm 8", "lockfileVersion: '6.0'\n\ndependencies:\n  l:\n    specifier: link:l\n    version: link:l\n", PNPMLocked{Version: "6.0", Links: []string{"l"}}},
		{"a newer hash", "lockfileVersion: '9.0'\r\npatchedDependencies:\r\n  a:\r\n    hash: 944be183796cafc2124a102ab11e27cc93ab149776f92f47ef0a207a784691c3\r\n    path: \"a b.patch\"\r\n",
			PNPMLocked{Version: "9.0", Files: []string{"a b.patch"}}},
		{"no lock file", "{", PNPMLocked{}},
		{"empty", "", PNPMLocked{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ParsePNPMLock([]byte(test.lock))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPNPMFiles(t *testing.T) {
	all := fstest.MapFS{}
	for name, text := range map[string]string{
		PNPMLock: pnpmLock9, PNPMWorkspace: "packages: ['packages/*', '!packages/x']\npatchedDependencies: {c: ./patches/c.patch}\n",
		PackageJSON: `{"pnpm": {"patchedDependencies": {"d": "patches/d.patch", "e": 1, "f": "../f.patch"}}}`, ".pnpmfile.cjs": "",
		"packages/a/package.json": "", "packages/b/package.json": "", "packages/c/package.json": "", "packages/x/package.json": "",
		"libs/l/package.json": "", "libs/d/package.json": "", "libs/d/src/index.js": "", "libs/d/node_modules/x/index.js": "", "libs/d/.git/config": "",
		"patches/is-number@7.0.0.patch": "", "patches/c.patch": "", "patches/d.patch": "", "vendor/tg.tgz": "", "vendor/other.tgz": "",
	} {
		all[name] = &fstest.MapFile{Data: []byte(text)}
	}
	want := []string{
		".pnpmfile.cjs", "libs/d/package.json", "libs/d/src/index.js", "libs/l/package.json",
		"packages/a/package.json", "packages/b/package.json", "packages/c/package.json",
		"patches/c.patch", "patches/d.patch", "patches/is-number@7.0.0.patch", PNPMWorkspace, "vendor/tg.tgz",
	}
	got, err := PNPMFiles(all)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	all[PNPMWorkspace].Data = []byte("packages: ['packages/{a,b}']")
	if got, err := PNPMFiles(all); err != nil || !slices.Contains(got, "packages/a/package.json") {
		t.Errorf("with a pattern that is not understood: %v, %v", got, err)
	}
	all[PNPMLock].Data = nil
	if _, err := PNPMFiles(all); err == nil {
		t.Error("neither patterns nor the lock file name the members, and there is no error")
	}
}

func TestPackageManager(t *testing.T) {
	tests := []struct{ text, name, version string }{
		{`{"packageManager": "pnpm@9.1.0+sha512.abc"}`, "pnpm", "9.1.0"},
		{`{"packageManager": "yarn@4.5.0"}`, "yarn", "4.5.0"},
		{`{"packageManager": "pnpm"}`, "pnpm", ""},
		{`{"packageManager": 1}`, "", ""},
		{`{}`, "", ""},
	}
	for _, test := range tests {
		name, version, err := PackageManager(fstest.MapFS{PackageJSON: {Data: []byte(test.text)}})
		if name != test.name || version != test.version || err != nil {
			t.Errorf("%s: %q, %q, %v", test.text, name, version, err)
		}
	}
}
