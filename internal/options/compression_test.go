package options_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/internal/options"
	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

func TestCompression(t *testing.T) {
	const names = "must be gzip, zstd, estargz or uncompressed, and a level may follow, as in zstd,level=3"
	for _, tt := range []struct {
		given string
		attrs map[string]string
		want  string // its text, and its key
		err   string
	}{
		{given: "gzip", attrs: map[string]string{"compression": "gzip"}, want: "gzip, "},
		{given: "gzip,level=9", attrs: map[string]string{"compression": "gzip", "compression-level": "9"}, want: "gzip 9, 9"},
		{given: "zstd,level=022", attrs: map[string]string{"compression": "zstd", "compression-level": "22"}, want: "zstd 22, zstd 22"},
		{given: "estargz,level=0", attrs: map[string]string{"compression": "estargz", "compression-level": "0"}, want: "estargz 0, estargz 0"},
		{given: "uncompressed", attrs: map[string]string{"compression": "uncompressed"}, want: "uncompressed, uncompressed"},
		{given: "", err: `invalid --compression "": ` + names},
		{given: "xz,level=3", err: `invalid --compression "xz,level=3": ` + names},
		{given: "zstd,3", err: `invalid --compression "zstd,3": "3" must be level=N`},
		{given: "zstd,", err: `invalid --compression "zstd,": "" must be level=N`},
		{given: "gzip,level=10", err: `invalid --compression "gzip,level=10": the level of gzip must be a whole number from 0 to 9, not "10"`},
		{given: "zstd,level=23", err: "the level of zstd must be a whole number from 0 to 22"},
		{given: "estargz,level=-1", err: "the level of estargz must be a whole number from 0 to 9"},
		{given: "zstd,level=3,level=4", err: `must be a whole number from 0 to 22, not "3,level=4"`},
		{given: "uncompressed,level=3", err: `invalid --compression "uncompressed,level=3": uncompressed has no level`},
	} {
		t.Run(tt.given, func(t *testing.T) {
			var c options.Compression
			if projecttest.WantError(t, parse("solve", &c, "--compression", tt.given), tt.err) {
				return
			}
			if diff := cmp.Diff(tt.attrs, c.Attrs()); diff != "" {
				t.Error(diff)
			}
			if got := c.String() + ", " + c.Key(); got != tt.want || !c.IsGiven() || options.CompressionOf(c.Attrs()) != c {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	var none options.Compression
	if none.IsGiven() || len(none.Attrs()) > 0 || none.String() != "gzip" || none.Key() != "" {
		t.Errorf("without a compression there are the attributes %v, %s", none.Attrs(), none)
	}
}
