package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestPoetryLocalProjects shows which projects of the context Poetry installs.
func TestPoetryLocalProjects(t *testing.T) {
	lib := func(more, source string) string {
		return "[[package]]\nname = 'lib'\n" + more + "\n[package.source]\n" + source + "\n"
	}
	found := LocalProjects{Dirs: []string{"libs/lib"}, Names: []string{"lib"}}
	tests := []struct {
		name, lock string
		more       Choice
		want       LocalProjects
		err        string
	}{
		{name: "an empty file"},
		{name: "of the index", lock: "[[package]]\nname = 'lib'\n"},
		{name: "in the group main", lock: lib("groups = ['dev', 'main']", "type = 'directory'\nurl = './libs/lib'"), want: found},
		{name: "in another group", lock: lib("groups = ['dev']", "type = 'directory'\nurl = 'libs/lib'")},
		{name: "of an older Poetry", lock: lib("optional = false", "type = 'directory'\nurl = 'libs/lib'"), want: found},
		{name: "of an old Poetry, for development", lock: lib("category = 'dev'", "type = 'directory'\nurl = 'libs/lib'")},
		{name: "for an extra", lock: lib("optional = true\ngroups = ['main']", "type = 'directory'\nurl = 'libs/lib'")},
		{name: "in a group that is chosen", more: Choice{Groups: []string{"dev-tools"}}, lock: lib("groups = ['dev_tools']", "type = 'directory'\nurl = 'libs/lib'"), want: found},
		{name: "of an old Poetry, in its group that is chosen", more: Choice{Groups: []string{"dev"}}, lock: lib("category = 'dev'", "type = 'directory'\nurl = 'libs/lib'"), want: found},
		{name: "for an extra that is chosen", more: Choice{Extras: []string{"all"}}, lock: lib("optional = true", "type = 'directory'\nurl = 'libs/lib'") + "[extras]\nAll = ['idna', 'Lib[x] (>=1)']\n", want: found},
		{name: "for an extra that is not chosen", more: Choice{Extras: []string{"other"}}, lock: lib("optional = true", "type = 'directory'\nurl = 'libs/lib'") + "[extras]\nall = ['lib']\nother = ['idna']\n"},
		{name: "an archive", lock: lib("groups = ['main']", "type = 'file'\nurl = 'lib.whl'")},
		{name: "outside", lock: lib("groups = ['main']", "type = \"directory\"\nurl = \"../lib\""),
			err: `poetry.lock:6:1: the path "../lib" is outside of the project: give a directory that holds both as the project, or copy it into the project`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := PoetryLocalProjects(projecttest.Files(poetryLockName, test.lock), test.more)
			projecttest.CheckError(t, err, test.err)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" && test.err == "" {
				t.Error(diff)
			}
		})
	}
}
