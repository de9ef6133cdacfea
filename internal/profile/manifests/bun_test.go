package manifests

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const bunLockText = `{
  "lockfileVersion": 2,
  "configVersion": 1,
  "workspaces": {
    "": {
      "name": "root",
      "dependencies": {
        "dep": "file:vendor/dep.tgz",
      },
    },
    "packages/app": {
      "name": "app",
    },
  },
  "patchedDependencies": {
    "is-number@7.0.0": "patches/is-number.patch",
  },
  "packages": {
    "app": ["app@workspace:packages/app"],

    "dep": ["dep@vendor/dep.tgz", { "hasInstallScript": true }, "sha512-V3=="],

    "@a/dir": ["@a/dir@file:dir", {}],

    "far": ["far@https://example.com/far.tgz", {}],

    "is-number": ["is-number@7.0.0", "", {}, "sha512-41=="],
  }
}
`

func TestParseBunLock(t *testing.T) {
	want := BunLocked{Version: "2", Workspaces: []string{"packages/app"}, Local: []string{"patches/is-number.patch", "vendor/dep.tgz", "dir"}}
	if diff := cmp.Diff(want, ParseBunLock([]byte(bunLockText))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(BunLocked{}, ParseBunLock(nil)); diff != "" {
		t.Error(diff)
	}
}

func TestBunFiles(t *testing.T) {
	project := fstest.MapFS{BunLock: {Data: []byte(bunLockText)}, bunConfig: {Data: []byte("[install.scopes]\na = { token = \"$TOKEN\" }\n")}}
	for _, name := range []string{"packages/app/package.json", "dir/package.json", "dir/index.js", "vendor/dep.tgz", "vendor/other.tgz", "patches/is-number.patch"} {
		project[name] = &fstest.MapFile{}
	}
	want := []string{"bunfig.toml", "dir/index.js", "dir/package.json", "packages/app/package.json", "patches/is-number.patch", "vendor/dep.tgz"}
	got, err := BunFiles(project)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	project[bunConfig].Data = []byte("[install.scopes]\na = { token = \"abc\" }\n")
	if _, err := BunFiles(project); err == nil || !strings.HasPrefix(err.Error(), "bunfig.toml:2: it holds a token") {
		t.Errorf("with a token: %v", err)
	}
}
