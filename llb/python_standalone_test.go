package llb_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rtbuild/rtbuild/llb"
)

// pinnedPython is the version of a download that rtbuild knows.
const pinnedPython = "3.13.18+20261110"

// TestPythonOfDistribution checks when the distribution's Python is taken, and that packages: [] leaves the pinned one out.
func TestPythonOfDistribution(t *testing.T) {
	tests := []struct {
		name, os string
		change   func(*llb.Graph)
		want     []string // downloads
		path     string
		err      string
	}{
		{"too old", "ID=debian\nVERSION_CODENAME=bullseye", nil, []string{"python " + pinnedPython}, "/agent/venv/bin:/agent/bin:/agent/python/bin:/usr/bin:/bin", ""},
		{"new enough", "ID=debian\nVERSION_CODENAME=trixie", nil, nil, "/agent/venv/bin:/agent/bin:/usr/bin:/bin", ""},
		{"of an unknown version", "ID=fedora\nVERSION_ID=44", nil, nil, "/agent/venv/bin:/agent/bin:/usr/bin:/bin", ""},
		{"without a package manager", "ID=other", nil, []string{"python " + pinnedPython}, "/agent/venv/bin:/agent/bin:/agent/python/bin:/usr/bin:/bin", ""},
		{"no packages", "ID=debian\nVERSION_CODENAME=bullseye", func(g *llb.Graph) { g.Runtime.NoPackages = true }, nil, "/agent/venv/bin:/agent/bin:/usr/bin:/bin", ""},
		{"musl", "ID=other", func(g *llb.Graph) { g.Distro.Libc.Musl = true }, nil, "", "python 3.13.18+20261110 needs glibc 2.17 or newer, but the base image debian:bookworm has musl: use a newer Debian or Ubuntu as base, or another base with glibc, or one that includes a Python that fits, such as python:3.13-alpine"},
		{"an earlier image", "", func(g *llb.Graph) {
			g.Distro, g.Base.Config = llb.Distro{}, []byte(`{"config":{"Env":["PATH=/agent/venv/bin:/agent/bin:/agent/python/bin:/usr/bin"]}}`)
		}, nil, "/agent/venv/bin:/agent/bin:/agent/python/bin:/usr/bin", "-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := graph(python())
			g.Runtime.Tools, g.Runtime.Packages = nil, nil
			g.Runtime.Interpreter = llb.Interpreter{Name: "python", Range: ">=3.12", Pinned: pinnedPython}
			g.Distro = llb.ParseOSRelease([]byte(tt.os))
			if tt.change != nil {
				tt.change(g)
			}
			if tt.err != "-" {
				layers, err := g.UpTo(llb.StageTools)
				checkError(t, err, tt.err)
				var titles []string
				for _, d := range layers.Downloads() {
					titles = append(titles, d.Title)
				}
				if diff := cmp.Diff(tt.want, titles); diff != "" {
					t.Error(diff)
				}
			}
			if got := g.Env()[0].Value; tt.path != "" && got != tt.path {
				t.Errorf("PATH is %s, want %s", got, tt.path)
			}
		})
	}
}

// TestChosenExtras checks the commands that install extras and groups.
func TestChosenExtras(t *testing.T) {
	for want, installer := range map[string]llb.Installer{
		`"$UV" sync --frozen --no-install-workspace --no-install-local --package agent --no-default-groups --extra server --no-dev`: llb.UVSync{Package: "agent", Extras: []string{"server"}},
		`"$UV" sync --frozen --no-install-workspace --no-install-local --extra server --group metrics --no-dev`:                     llb.UVSync{Extras: []string{"server"}, Groups: []string{"metrics"}},
		`--no-install-local --group dev` + "\n":                                                 llb.UVSync{Groups: []string{"dev"}},
		"poetry $sync --only main,metrics --extras a --extras b --no-root":                      llb.Poetry{Groups: []string{"metrics"}, Extras: []string{"a", "b"}},
		"poetry $sync --dry-run --no-ansi --no-root --only main,metrics --extras a > /tmp/plan": llb.PoetryLock{Groups: []string{"main", "metrics"}, Extras: []string{"a"}},
	} {
		r := python()
		r.Installer = installer
		state, _ := draw(t, graph(r), fromScratch)
		if !strings.Contains(describe(t, state), want) {
			t.Errorf("no step runs %s", want)
		}
	}
}
