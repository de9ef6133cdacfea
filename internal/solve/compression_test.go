package solve

import "testing"

// TestSameCompression: BuildKit uses a compressed layer for every later export, so a build has one compression.
func TestSameCompression(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outputs []string
		want    string // of the job
		err     string
	}{
		{"none", nil, "", ""},
		{"unasked", []string{"type=image"}, "", ""},
		{"gzip is what is made unasked", []string{"type=image", "type=oci,dest=a,compression=gzip"}, "", ""},
		{"zstd twice", []string{"type=image,compression=zstd", "type=oci,dest=a,compression=zstd"}, "zstd", ""},
		{"a directory has none", []string{"out", "type=image,compression=zstd,compression-level=9"}, "zstd 9", ""},
		{"a level of gzip", []string{"type=image,compression-level=9"}, "9", ""},
		{"the default and a level", []string{"type=image", "type=oci,dest=a,compression-level=9"}, "", "one build cannot compress its layers both by gzip and by gzip 9: run the command once for each"},
		{
			"two kinds", []string{"type=image", "type=oci,dest=a,compression=zstd"}, "",
			"one build cannot compress its layers both by gzip and by zstd: run the command once for each",
		},
		{
			"two levels", []string{"type=image,compression=zstd", "type=docker,dest=a,compression=zstd,compression-level=9"}, "",
			"one build cannot compress its layers both by zstd and by zstd 9: run the command once for each",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var job Job
			for _, output := range tt.outputs {
				e, err := ParseOutput(output)
				if err != nil {
					t.Fatal(err)
				}
				job.Exports = append(job.Exports, e)
			}
			if err := SameCompression(job.Exports...); err != nil || tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got error %v, want %q", err, tt.err)
				}
				return
			}
			if got := job.compression(); got != tt.want {
				t.Errorf("the compression is %q, want %q", got, tt.want)
			}
		})
	}
}
