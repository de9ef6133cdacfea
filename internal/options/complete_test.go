package options

import (
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	for _, tt := range []struct {
		command string
		name    Name
		begun   string
		want    string
		files   Files
	}{
		{"plan", "variant", "", "none lock versioned scratch", NoFiles},
		{"plan", "variant", "v", "versioned", NoFiles},
		{"plan", "variant", "none,", "", NoFiles},
		{"plan", "platform", "linux/a", "linux/amd64 linux/arm64", NoFiles},
		{"plan", "platform", "linux/amd64,", "linux/amd64,linux/arm64 linux/amd64,local", NoFiles},
		{"diff", "platform", "linux/amd64,", "", NoFiles},
		{"solve", "no-cache-filter", "deps,s", "deps,system", NoFiles},
		{"solve", "progress", "", "auto tty plain quiet rawjson", NoFiles},
		{"solve", CacheTo, "type=in", "type=inline", NoFiles},
		{"solve", CacheTo, "type=registry,r", "", NoFiles},
		{"solve", "sbom", "t", "true", NoFiles},
		{"tags", "format", "", "text json bake", NoFiles},
		{"solve", "format", "", "text json", NoFiles},
		{"solve", "file", "x", "", AnyFile},
		{"solve", "tlsdir", "", "", Directories},
	} {
		for _, o := range OfCommand(tt.command) {
			if o.Name != tt.name {
				continue
			}
			values, files := o.Complete(tt.begun)
			if got := strings.Join(values, " "); got != tt.want || files != tt.files {
				t.Errorf("%s --%s %s: got %q and files %d, want %q and %d", tt.command, tt.name, tt.begun, got, files, tt.want, tt.files)
			}
		}
	}
}
