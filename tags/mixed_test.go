package tags

import (
	_ "embed"
	"encoding/json"
	"testing"
)

// mixedJSON holds vectors for inputs that the original does not know. A comment in the file says how they were computed
// without this package.
//
//go:embed testdata/mixed.json
var mixedJSON []byte

type mixedVectors struct {
	Base      string            `json:"base"`
	Version   string            `json:"version"`
	LockFiles []string          `json:"lock_files"`
	Files     map[string]string `json:"files"`
	Digest    string            `json:"digest"`
	Cases     []struct {
		Name        string         `json:"name"`
		NoBrowser   bool           `json:"no_browser"`
		LockExtra   map[string]any `json:"lock_extra"`
		SourceExtra map[string]any `json:"source_extra"`
		LockJSON    string         `json:"lock_json"`
		SourceJSON  string         `json:"source_json"`
		Lock        string         `json:"lock"`
		Source      string         `json:"source"`
	} `json:"cases"`
}

func TestMixedVectors(t *testing.T) {
	var v mixedVectors
	must(t, json.Unmarshal(mixedJSON, &v))
	var entries []entry
	for name, content := range v.Files {
		entries = append(entries, file(name, content))
	}
	root := tree(t, entries...)
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			s, tree, err := Compute(t.Context(), root, Inputs{
				Base: v.Base, Version: v.Version, NoBrowser: c.NoBrowser, LockFiles: v.LockFiles, Source: wholeTree,
				LockExtra: c.LockExtra, SourceExtra: c.SourceExtra,
			})
			must(t, err)
			if tree.Digest != v.Digest || s.Lock != c.Lock || s.Source != c.Source {
				t.Errorf("got %s, %s, %s; want %s, %s, %s", tree.Digest, s.Lock, s.Source, v.Digest, c.Lock, c.Source)
			}
			for extra, want := range map[*map[string]any]string{&c.LockExtra: c.LockJSON, &c.SourceExtra: c.SourceJSON} {
				if got, err := canonical(*extra); err != nil || string(got) != want {
					t.Errorf("JSON %q, %v; want %q", got, err, want)
				}
			}
		})
	}
}

// TestCanonicalIgnoresGoTypes checks that only the JSON of an extra input counts, not its Go type.
func TestCanonicalIgnoresGoTypes(t *testing.T) {
	type user struct {
		UID  int    `json:"uid"`
		Name string `json:"name"`
	}
	a, err := canonical(map[string]any{"user": user{1000, "agent"}, "packages": []string{"git"}})
	must(t, err)
	b, err := canonical(map[string]any{"packages": []any{"git"}, "user": map[string]any{"name": "agent", "uid": 1000.0}})
	must(t, err)
	if string(a) != string(b) {
		t.Errorf("%s and %s", a, b)
	}
}
