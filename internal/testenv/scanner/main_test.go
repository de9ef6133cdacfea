package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"core/sbom/etc/x": "one", "core/sbom/y": "two", "extras/sbom-more/z": "three"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("y", filepath.Join(dir, "core/sbom/link")); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "core/sbom")
	tests := []struct {
		name, extras string
		want         map[string][]string // files by the name of the scan
	}{
		{"no extras", "", map[string][]string{"sbom": {"etc/x", "y"}}},
		{"extras that are not there", filepath.Join(dir, "nothing"), map[string][]string{"sbom": {"etc/x", "y"}}},
		{"extras", filepath.Join(dir, "extras"), map[string][]string{"sbom": {"etc/x", "y"}, "sbom-more": {"z"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := t.TempDir()
			if err := run(source, test.extras, out); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, scans(t, out)); diff != "" {
				t.Error("-want +got:", diff)
			}
		})
	}
	if err := run("", "", ""); err == nil {
		t.Error("no error without a source")
	}
}

// scans reads the SBOMs in a directory.
func scans(t *testing.T, dir string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	written, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range written {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s statement
		if err := json.Unmarshal(data, &s); err != nil {
			t.Fatal(err)
		}
		if filepath.Base(file) != s.Predicate.Name+".spdx.json" || s.PredicateType != "https://spdx.dev/Document" {
			t.Errorf("%s is %s of type %s", file, s.Predicate.Name, s.PredicateType)
		}
		for _, f := range s.Predicate.Files {
			found[s.Predicate.Name] = append(found[s.Predicate.Name], f.Name)
		}
	}
	return found
}
