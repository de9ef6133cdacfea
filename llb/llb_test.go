package llb_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/rtbuild/rtbuild/llb"
)

func TestParseOSRelease(t *testing.T) {
	tests := []struct {
		name, data string
		want       llb.Distro
		manager    string
	}{
		{
			"debian", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_CODENAME=bookworm\n",
			llb.Distro{ID: "debian", Release: "bookworm", Pretty: "Debian GNU/Linux 12 (bookworm)", Python: "3.11.2"}, "apt",
		},
		{
			"derivative", "# comment\n\nID=linuxmint\nID_LIKE='ubuntu debian'\nVERSION_CODENAME=wilma\n",
			llb.Distro{ID: "linuxmint", Like: []string{"ubuntu", "debian"}, Release: "wilma", Pretty: "linuxmint"}, "apt",
		},
		{"sid has no codename", "ID=debian", llb.Distro{ID: "debian", Release: "unknown", Pretty: "debian"}, "apt"},
		{
			"alpine", "ID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME=\"Alpine Linux v3.20\"",
			llb.Distro{ID: "alpine", Release: "3.20.1", Pretty: "Alpine Linux v3.20"}, "apk",
		},
		{"fedora", "ID=fedora\nVERSION_ID=42\n", llb.Distro{ID: "fedora", Release: "42", Pretty: "fedora"}, "dnf"},
		{"rocky", "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", llb.Distro{ID: "rocky", Like: []string{"rhel", "centos", "fedora"}, Release: "unknown", Pretty: "rocky"}, "dnf"},
		{"leap", "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", llb.Distro{ID: "opensuse-leap", Like: []string{"suse", "opensuse"}, Release: "unknown", Pretty: "opensuse-leap"}, "zypper"},
		{"another", "ID=nixos", llb.Distro{ID: "nixos", Release: "unknown", Pretty: "nixos"}, ""},
		{"nothing", "", llb.Distro{Release: "unknown"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := llb.ParseOSRelease([]byte(test.data))
			manager := ""
			if got.Manager != nil {
				manager = got.Manager.Name
			}
			got.Manager = nil
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" || manager != test.manager {
				t.Errorf("manager %q, want %q\n%s", manager, test.manager, diff)
			}
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want != "":
		t.Fatalf("no error, want %q", want)
	case err != nil && (want == "" || !strings.Contains(err.Error(), want)):
		t.Fatalf("error %q, want %q", err, want)
	}
}

func TestInterpreter(t *testing.T) {
	withEnv := func(kv string) []byte {
		return []byte(strings.Replace(string(baseConfig), `"PATH=/usr/bin:/bin"`, `"PATH=/usr/bin:/bin","`+kv+`"`, 1))
	}
	tests := []struct {
		name    string
		want    llb.Interpreter
		base    []byte
		lacks   bool // it has none on its PATH
		arch    string
		tools   []string // titles of downloads
		wantErr string
	}{
		{name: "node by major", want: llb.Interpreter{Name: "node", Version: "24"}, tools: []string{"node 24.21.0", "npm 11.19.1"}},
		{name: "node exactly", want: llb.Interpreter{Name: "node", Version: "22.23.3"}, tools: []string{"node 22.23.3", "npm 11.19.1"}},
		{name: "node of the base", want: llb.Interpreter{Name: "node", Version: "22"}, base: withEnv("NODE_VERSION=22.1.0")},
		{name: "node of the base is another", want: llb.Interpreter{Name: "node", Version: "22"}, base: withEnv("NODE_VERSION=2.22.0"), tools: []string{"node 22.23.3", "npm 11.19.1"}},
		{name: "node in the base's variable alone", want: llb.Interpreter{Name: "node", Version: "22"}, base: withEnv("NODE_VERSION=22"), lacks: true,
			tools: []string{"node 22.23.3", "npm 11.19.1"}},
		{name: "python in the base's variable alone", want: llb.Interpreter{Name: "python", Version: "3.14"}, base: withEnv("PYTHON_VERSION=3.14"), lacks: true,
			wantErr: "python 3.14 is required, but Debian 12 has 3.11"},
		{name: "node unknown", want: llb.Interpreter{Name: "node", Version: "21"}, wantErr: "rtbuild has no pinned node 21, only 20.20.2, 22.23.3, 24.21.0"},
		{name: "node not of that release", want: llb.Interpreter{Name: "node", Version: "22.1"}, wantErr: "rtbuild has no pinned node 22.1"},
		{name: "node for another architecture", want: llb.Interpreter{Name: "node", Version: "22"}, arch: "s390x", wantErr: "tool node has no sha256 for s390x"},
		{name: "python of the distribution", want: llb.Interpreter{Name: "python", Version: "3.11"}},
		{name: "python of the base", want: llb.Interpreter{Name: "python", Version: "3.14"}, base: withEnv("PYTHON_VERSION=3.14.1")},
		{name: "python that is not there", want: llb.Interpreter{Name: "python", Version: "3.1"}, wantErr: "python 3.1 is required, but Debian 12 has 3.11"},
		{name: "python of the distribution in a range", want: llb.Interpreter{Name: "python", Range: ">=3.11", Pinned: pinnedPython}},
		{name: "python of the base in a range", want: llb.Interpreter{Name: "python", Range: ">=3.12", Pinned: pinnedPython}, base: withEnv("PYTHON_VERSION=3.12.1")},
		{name: "pinned python for a range", want: llb.Interpreter{Name: "python", Range: ">=3.12", Pinned: pinnedPython}, base: withEnv("PYTHON_VERSION=3.10.1"),
			tools: []string{"python " + pinnedPython}},
		{name: "pinned python for a later release", want: llb.Interpreter{Name: "python", Range: ">=3.11.4", Pinned: pinnedPython}, tools: []string{"python " + pinnedPython}},
		{name: "pinned python by the user's word", want: llb.Interpreter{Name: "python", From: llb.FromStandalone, Pinned: pinnedPython}, base: withEnv("PYTHON_VERSION=3.13.1"),
			tools: []string{"python " + pinnedPython}},
		{name: "no pinned python", want: llb.Interpreter{Name: "python", Range: ">=3.99"},
			wantErr: "python >=3.99 is required, but Debian 12 has 3.11.2, and rtbuild has no pinned python that fits: use a base image that includes it (such as python:3.99)"},
		{name: "no pinned python by the user's word", want: llb.Interpreter{Name: "python", Version: "3.2", From: llb.FromStandalone}, wantErr: "python 3.2 is required"},
		{name: "python for another architecture", want: llb.Interpreter{Name: "python", Range: ">=3.12", Pinned: pinnedPython}, arch: "s390x", wantErr: "has no sha256 for s390x"},
		{name: "python not known", want: llb.Interpreter{Name: "python", Version: "3.12"}, base: withEnv("PYTHON_VERSION=3.11.1"), wantErr: "python 3.12 is required"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(node())
			g.Runtime.Interpreter = test.want
			if test.base != nil {
				g.Base.Config = test.base
			}
			g.Base.NoInterpreter = test.lacks
			if test.arch != "" {
				g.Platform.Architecture = test.arch
			}
			layers, err := g.UpTo(llb.StageDeps)
			checkError(t, err, test.wantErr)
			var titles []string
			for _, d := range layers.Downloads() {
				titles = append(titles, d.Title)
			}
			if diff := cmp.Diff(test.tools, titles); diff != "" && test.wantErr == "" {
				t.Error(diff)
			}
		})
	}
}

func TestBaseInterpreters(t *testing.T) {
	for name, tt := range map[string]struct {
		path string
		want []string
	}{
		"node":   {"/opt/bin:relative::/usr/bin/", []string{"/opt/bin/node", "/usr/bin/node"}},
		"python": {"/usr/local/bin", []string{"/usr/local/bin/python3"}},
	} {
		g := graph(node())
		g.Runtime.Interpreter = llb.Interpreter{Name: name}
		g.Base.Config = []byte(`{"config":{"Env":["PATH=` + tt.path + `"]}}`)
		if diff := cmp.Diff(tt.want, g.BaseInterpreters()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		g.Base.Config = []byte(`{}`)
		if got := g.BaseInterpreters(); len(got) < 4 {
			t.Errorf("%s, without a PATH: %q", name, got)
		}
	}
}

func TestDownloads(t *testing.T) {
	tests := []struct {
		name    string
		arch    string
		mirrors map[string]string
		want    string
		wantErr string
	}{
		{name: "address", want: "https://example.com/0.8.3/uv-amd64.tar.gz"},
		{
			name:    "longest mirror wins",
			mirrors: map[string]string{"https://example.com": "https://a.example", "https://example.com/0.8": "http://b.example"},
			want:    "http://b.example.3/uv-amd64.tar.gz",
		},
		{name: "no digest for the architecture", arch: "arm64", wantErr: "tool uv has no sha256 for arm64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph(python())
			g.Runtime.Mirrors = test.mirrors
			if test.arch != "" {
				g.Platform.Architecture = test.arch
			}
			layers, err := g.UpTo(llb.StageDeps)
			checkError(t, err, test.wantErr)
			if test.wantErr != "" {
				return
			}
			want := []llb.Download{{Name: "uv", Title: "uv 0.8.3", Field: "tools.uv", URL: test.want, SHA256: strings.Repeat("b", 64)}}
			if diff := cmp.Diff(want, layers.Downloads()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFilesAtHandAreNotFetched: a graph takes a download from what it is given, and has the builder fetch the others.
func TestFilesAtHandAreNotFetched(t *testing.T) {
	r := openhands(all...)
	r.Tools = append(r.Tools, uv())
	for _, stage := range []string{llb.StageSystem, llb.StageTools, llb.StageDeps} {
		g := graph(r)
		layers, err := g.UpTo(stage)
		if err != nil {
			t.Fatal(err)
		}
		files := layers.Downloads()
		if got, want := fetched(t, g, layers), addresses(files); !slices.Equal(got, want) {
			t.Errorf("up to %s, %q are fetched, and %q listed", stage, got, want)
		}
		g.Files = map[string]bkllb.State{}
		for _, d := range files {
			g.Files[d.URL] = bkllb.Local("files", bkllb.IncludePatterns([]string{d.Name}))
		}
		if got := fetched(t, g, layers); len(got) > 0 {
			t.Errorf("up to %s, %q are fetched, though they are at hand", stage, got)
		}
	}
}

// addresses are those of downloads, sorted.
func addresses(files []llb.Download) []string {
	var all []string
	for _, d := range files {
		all = append(all, d.URL)
	}
	slices.Sort(all)
	return all
}

// fetched are the addresses that the builder fetches for a graph, sorted.
func fetched(t *testing.T, g *llb.Graph, layers llb.Layers) []string {
	t.Helper()
	state, err := g.Draw(layers)
	if err != nil {
		t.Fatal(err)
	}
	def, err := state.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, dt := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(dt); err != nil {
			t.Fatal(err)
		}
		if source := op.GetSource(); source != nil && strings.HasPrefix(source.Identifier, "http") {
			all = append(all, source.Identifier)
		}
	}
	slices.Sort(all)
	return all
}

// TestProgressShowsNoToken: a download is named by its address without the token in it, and fetched with it.
func TestProgressShowsNoToken(t *testing.T) {
	tool := uv()
	tool.URL += "?token=HUNTER2"
	g := graph(python())
	g.Runtime.Tools = []llb.Component{tool}
	state, _ := draw(t, g, fromScratch)
	def, err := state.Marshal(t.Context(), bkllb.LinuxAmd64)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range def.Metadata {
		names = append(names, m.Description["llb.customname"])
	}
	all := strings.Join(names, "\n")
	if strings.Contains(all, "HUNTER2") || !strings.Contains(all, "[tools] fetch uv 0.8.3 from https://example.com/0.8.3/uv-amd64.tar.gz") {
		t.Errorf("the steps are called\n%s", all)
	}
	if !strings.Contains(string(slices.Concat(def.Def...)), "uv-amd64.tar.gz?token=HUNTER2") {
		t.Error("it is fetched without its token")
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func digests(n int) []digest.Digest {
	return make([]digest.Digest, n)
}
