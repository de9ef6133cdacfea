package solve

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
)

func TestRounds(t *testing.T) {
	tests := []struct {
		name string
		in   string // types of exports; those of directories in capitals
		want string // rounds
	}{
		{"none is one solve", "", ""},
		{"streams together", "image oci docker tar", "image oci docker tar"},
		{"a directory alone", "LOCAL", "LOCAL"},
		{"a directory among streams", "image LOCAL oci tar", "image|LOCAL|oci tar"},
		{"two directories", "LOCAL OCI", "LOCAL|OCI"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var exports []Export
			for _, kind := range strings.Fields(tt.in) {
				e := client.ExportEntry{Type: kind}
				if strings.ToUpper(kind) == kind {
					e.OutputDir = "dir"
				}
				exports = append(exports, Export{ExportEntry: e})
			}
			var got []string
			for _, round := range rounds(exports) {
				var kinds []string
				for _, e := range round {
					kinds = append(kinds, e.Type)
				}
				got = append(got, strings.Join(kinds, " "))
			}
			if want := strings.Split(tt.want, "|"); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
