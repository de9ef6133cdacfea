package profile

import (
	"testing"

	"github.com/rtbuild/rtbuild/internal/runtimefile"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestNodeVersion checks which Node.js a project gets.
func TestNodeVersion(t *testing.T) {
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"nothing", nil, "22"},
		{"a range with the default", []string{"package.json", `{"engines": {"node": ">=18.0.0"}}`}, "22"},
		{"a range above the default", []string{"package.json", `{"engines": {"node": ">=24"}}`}, "26"},
		{"a range below the default", []string{"package.json", `{"engines": {"node": "^18.17 || 20.x"}}`}, "20"},
		{"a range between two numbers", []string{"package.json", `{"engines": {"node": ">=20 <22"}}`}, "20"},
		{"a range without a pinned version", []string{"package.json", `{"engines": {"node": "18"}}`}, "22"},
		{"devEngines", []string{"package.json", `{"devEngines": {"runtime": {"name": "node", "version": "^24.0.0"}}}`}, "24"},
		{"devEngines with several", []string{"package.json", `{"devEngines": {"runtime": [{"name": "bun"}, {"name": "node", "version": "20.x", "onFail": "warn"}]}}`}, "20"},
		{"devEngines that is ignored", []string{"package.json", `{"devEngines": {"runtime": {"name": "node", "version": "20", "onFail": "ignore"}}}`}, "22"},
		{"devEngines of other types", []string{"package.json", `{"devEngines": {"runtime": ["node", {"name": 1}], "packageManager": 2}}`}, "22"},
		{"engines and devEngines", []string{"package.json", `{"engines": {"node": ">=20"}, "devEngines": {"runtime": {"name": "node", "version": ">=24 <25"}}}`}, "24"},
		{"a range that is none", []string{"package.json", `{"engines": {"node": "new"}}`}, "22"},
		{"no text", []string{"package.json", `{"engines": {"node": 20}}`}, "22"},
		{".nvmrc", []string{".nvmrc", "v20.11.1\n"}, "20"},
		{".nvmrc with a name", []string{".nvmrc", "lts/krypton"}, "24"},
		{".nvmrc with any version", []string{".nvmrc", "lts/*"}, "22"},
		{".node-version", []string{".node-version", "24"}, "24"},
		{"both files", []string{".node-version", "24", ".nvmrc", "20"}, "20"},
		{"a file and a range that agree", []string{".nvmrc", "20", "package.json", `{"engines": {"node": ">=20"}}`}, "20"},
		{"a file and a range that do not", []string{".nvmrc", "20", "package.json", `{"engines": {"node": ">=22"}}`}, "22"},
		{"a version that is not pinned", []string{".nvmrc", "18.2.0"}, "22"},
		{"the runtime file", []string{".nvmrc", "20", runtimefile.Name, "base: a\nruntime: {node: 24}"}, "24"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(projecttest.Files(append([]string{"package-lock.json", "{}", runtimefile.Name, "base: a"}, test.files...)...), Options{})
			if err != nil || r.Interpreter.Version != test.want {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
}
