package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompletion asks as a shell does.
func TestCompletion(t *testing.T) {
	buildx := t.TempDir()
	t.Setenv("BUILDX_CONFIG", buildx)
	for _, name := range []string{"ci", "remote-arm"} {
		if err := os.MkdirAll(filepath.Join(buildx, "instances"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(buildx, "instances", name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args string // spaces part arguments; the last one is to be completed
		want string // values, and cobra's directive
	}{
		{"pla", "plan :4"},
		{"plan --variant ", "none lock versioned scratch :4"},
		{"plan --variant v", "versioned :4"},
		{"solve --builder ", "ci remote-arm :4"},
		{"plan --builder r", "remote-arm :4"},
		{"plan --profile ", "node python openhands :4"},
		{"solve --progress r", "rawjson :4"},
		{"build --progress=p", "plain :4"},
		{"solve --platform linux/amd64,linux/", "linux/amd64,linux/arm64 :4"},
		{"solve --no_cache_filter deps,e", "deps,extra :4"},
		{"solve --cache-to type=r", "type=registry, :6"},
		{"tags --format b", "bake :4"},
		{"solve --format ", "text json :4"},
		{"solve -f ", ":0"},
		{"solve --ca-file x", ":0"},
		{"solve --tlsdir ", ":16"},
		{"solve --addr ", ":4"},
		{"solve ", ":16"},
		{"tags ", ":16"},
		{"diff ", ":4"},
		{"doctor ", ":4"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			root := newRoot()
			var out, stderr bytes.Buffer
			root.SetOut(&out)
			root.SetErr(&stderr)
			root.SetArgs(append([]string{"__completeNoDesc"}, strings.Split(tt.args, " ")...))
			if err := root.Execute(); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(strings.Fields(out.String()), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestCompletionScripts shows that every shell that cobra knows gets a script.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got, err := command(t, "completion", shell); err != nil || !strings.Contains(got, "rtbuild-client") {
			t.Errorf("%s: error %v, script %q", shell, err, got)
		}
	}
}
