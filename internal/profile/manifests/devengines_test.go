package manifests

import (
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestDevEngines checks which package manager package.json asks for, and whether npm would refuse to work.
func TestDevEngines(t *testing.T) {
	for _, tt := range []struct {
		name, manifest      string
		wantName, wantedVer string
		refuses             bool
	}{
		{"none", `{}`, "", "", false},
		{"pnpm", `{"devEngines": {"packageManager": {"name": "pnpm", "version": "10.1.0"}}}`, "pnpm", "10.1.0", true},
		{"a range of one number", `{"devEngines": {"packageManager": {"name": "yarn", "version": "^4.9", "onFail": "download"}}}`, "yarn", "4.9", true},
		{"a wide range", `{"devEngines": {"packageManager": {"name": "pnpm", "version": ">=9 <12", "onFail": "warn"}}}`, "pnpm", "", false},
		{"several", `{"devEngines": {"packageManager": [{"name": "pnpm"}, {"name": "npm"}]}}`, "pnpm", "", false},
		{"the last of several warns", `{"devEngines": {"packageManager": [{"name": "pnpm"}, {"name": "bun", "onFail": "warn"}]}}`, "pnpm", "", false},
		{"ignored", `{"devEngines": {"packageManager": {"name": "pnpm", "onFail": "ignore"}}}`, "", "", false},
		{"both fields", `{"packageManager": "npm@11.0.0", "devEngines": {"packageManager": {"name": "pnpm"}}}`, "npm", "11.0.0", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			project := projecttest.Files(PackageJSON, tt.manifest)
			name, version, err := PackageManager(project)
			refuses, err2 := RefusesNPM(project)
			if name != tt.wantName || version != tt.wantedVer || refuses != tt.refuses || err != nil || err2 != nil {
				t.Errorf("got %q, %q, %t, %v, %v", name, version, refuses, err, err2)
			}
		})
	}
}
