package lint

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rtbuild/rtbuild/internal/profile"
)

// FuzzLocks checks arbitrary manifests and lock files: findings have valid lines, and a lock file that repeats the manifest
// agrees with it.
func FuzzLocks(f *testing.F) {
	manifest := `{"name": "a", "version": "1.0.0", "dependencies": {"b": "^1", "c": "2"}, "optionalDependencies": {"c": "2"}, "workspaces": ["w"]}`
	for _, seed := range [][2]string{
		{manifest, `{"lockfileVersion": 3, "packages": {"": ` + manifest + `, "w": {}}}`}, {manifest, `{"lockfileVersion": 3, "packages": {}}`},
		{`{"dependencies": {"\n": ""}}`, `{"lockfileVersion": 2, "packages": {"": {"dependencies": {"x": 1}}}}`}, {"", ""}, {"[]", "null"}, {"{}", `{"lockfileVersion": 1e99}`},
		{`{"version": []}`, `{"lockfileVersion": "3", "packages": []}`}, {"\uFEFF{}", "\xff"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, manifest, lock []byte) {
		runtime := &profile.Runtime{Dependencies: profile.Dependencies{Manager: "npm", Files: []string{packageJSON, packageLock, "w/" + packageJSON}}}
		check := func(lock []byte) []Finding {
			return locksOutOfStep(Input{Runtime: runtime, Project: fstest.MapFS{packageJSON: {Data: manifest}, packageLock: {Data: lock}, "w/" + packageJSON: {Data: manifest}}})
		}
		for _, found := range check(lock) {
			if found.First < 0 || found.Last < found.First || found.Last > 1+bytes.Count(found.Data, []byte("\n")) || found.Detail == "" {
				t.Fatalf("%+v", found)
			}
		}
		plain := bytes.TrimPrefix(manifest, []byte("\uFEFF"))
		if len(plain) == 0 || plain[0] != '{' {
			return
		}
		same := []byte(`{"lockfileVersion": 3, "packages": {"": ` + string(plain) + `, "w": ` + string(plain) + `}}`)
		for _, found := range check(same) {
			if !strings.Contains(found.Detail, "not valid JSON") {
				t.Fatalf("a lock file that repeats the manifest: %s", found.Detail)
			}
		}
	})
}
