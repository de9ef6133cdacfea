package llb_test

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/llb"
)

// TestPythonRange checks ranges as manifests have them.
func TestPythonRange(t *testing.T) {
	tests := []struct {
		text    string
		accepts []string
		refuses []string
	}{
		{"", []string{"3.8.1", "3.15", "3", ""}, nil},
		{">=3.11", []string{"3.11.0", "3.11", "3.12.4", "3.15.0a1", "3", "4.0.0"}, []string{"3.10.20", "3.9", "2"}},
		{">=3.11.4", []string{"3.11.4", "3.11", "3.12.0"}, []string{"3.11.2", "3.10"}},
		{">=3.11,<3.14", []string{"3.13.18", "3.13"}, []string{"3.14.0", "3.14", "3.10"}},
		{" >= 3.9 , < 4 ", []string{"3.9.2"}, []string{"4.0.0", "3.8"}},
		{"~=3.11", []string{"3.11.0", "3.14.2"}, []string{"4.0.0", "3.10.1"}},
		{"~=3.11.2", []string{"3.11.2", "3.11.9", "3.11"}, []string{"3.12.0", "3.11.1"}},
		{"==3.12.*", []string{"3.12.0", "3.12"}, []string{"3.13.0", "3.1.2"}},
		{"==3.12", []string{"3.12.0"}, []string{"3.12.1"}},
		{"!=3.12.*,>=3.10", []string{"3.11.0", "3.13"}, []string{"3.12.3", "3.12"}},
		{"!=3.12.1", []string{"3.12.0", "3.12"}, []string{"3.12.1"}},
		{">3.11,<=3.12.2", []string{"3.11.1", "3.12.2"}, []string{"3.12.3", "3.11.0"}},
		{">=3.8,<3.9||>=3.11", []string{"3.8.1", "3.12"}, []string{"3.9.0", "3.10"}},
		{">=3.12.0rc1", []string{"3.12.0"}, []string{"3.11"}},
	}
	for _, tt := range tests {
		r, err := llb.ParsePythonRange(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
		}
		for _, v := range tt.accepts {
			if !r.Accepts(v) {
				t.Errorf("%q does not accept %s", tt.text, v)
			}
		}
		for _, v := range tt.refuses {
			if r.Accepts(v) {
				t.Errorf("%q accepts %s", tt.text, v)
			}
		}
	}
	for _, text := range []string{"3.11", "^3.11", ">=3.11;", "=>3.1", ">= three", ">=3" + strings.Repeat("||>=3", 8)} {
		if r, err := llb.ParsePythonRange(text); err == nil {
			t.Errorf("%q is the range %q", text, r)
		}
	}
	both := llb.PythonRange(">=3.10||==3.8.*").And("<3.12")
	for version, want := range map[string]bool{"3.8.5": true, "3.9.0": false, "3.11": true, "3.12": false} {
		if both.Accepts(version) != want {
			t.Errorf("%q, %s: %v", both, version, !want)
		}
	}
	if got := llb.PythonRange("").And(">=3"); got != ">=3" {
		t.Error(got)
	}
}
