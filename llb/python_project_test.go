package llb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUVFlags shows what uv leaves out. An archive of the source is installed.
func TestUVFlags(t *testing.T) {
	for want, u := range map[string]UVSync{
		"--no-install-workspace --no-install-local":                            {},
		"--no-install-workspace":                                               {Archives: true},
		"--no-install-workspace --no-install-package a --no-install-package b": {Archives: true, LeftOut: []string{"a", "b"}},
	} {
		if got := u.flags(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestDistributionFiles shows the files of a project in a virtual environment.
func TestDistributionFiles(t *testing.T) {
	r := &Runtime{Prefix: "/agent"}
	d := Distribution{
		Name: "Own.Pro-ject", Version: "1.0-2", Metadata: "Name: Own.Pro-ject\n", Dir: "libs/ö x", Roots: []string{"libs/ö x/src", "libs/ö x"},
		EntryPoints: map[string]map[string]string{
			ConsoleScripts: {"own": "own.cli:app.main [web]", "b": "own : run"}, GUIScripts: {"win": "own.gui:main"}, "plugins": {"z": "own"},
		},
	}
	const info = "own_pro_ject-1.0_2.dist-info"
	want := map[string]string{
		"_own_pro_ject.pth":          "/agent/code/libs/ö x/src\n/agent/code/libs/ö x\n",
		info + "/INSTALLER":          "rtbuild\n",
		info + "/METADATA":           "Name: Own.Pro-ject\n",
		info + "/direct_url.json":    `{"url":"file:///agent/code/libs/%C3%B6%20x","dir_info":{"editable":true}}`,
		info + "/entry_points.txt":   "[console_scripts]\nb = own : run\nown = own.cli:app.main [web]\n\n[gui_scripts]\nwin = own.gui:main\n\n[plugins]\nz = own\n",
		info + "/RECORD (its lines)": "../../../bin/b ../../../bin/own ../../../bin/win _own_pro_ject.pth " + info + "/INSTALLER " + info + "/METADATA " + info + "/direct_url.json " + info + "/entry_points.txt " + info + "/RECORD",
	}
	got := d.others(r)
	var names []string
	for _, line := range strings.Split(strings.TrimSuffix(got[info+"/RECORD"], "\n"), "\n") {
		name, _, _ := strings.Cut(line, ",")
		names = append(names, name)
	}
	if !strings.Contains(got[info+"/RECORD"], info+"/METADATA,sha256=hvjaPmRbrQkyBJgto_2iHIxRRkVsLeONX9OSOB6lkbM,19\n") {
		t.Errorf("RECORD is\n%s", got[info+"/RECORD"])
	}
	delete(got, info+"/RECORD")
	got[info+"/RECORD (its lines)"] = strings.Join(names, " ")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	program := func(module, object, call string) string {
		return "#!/agent/venv/bin/python\nimport sys\n\nfrom " + module + " import " + object + "\n\nif __name__ == \"__main__\":\n    sys.exit(" + call + "())\n"
	}
	programs := map[string]string{"own": program("own.cli", "app", "app.main"), "b": program("own", "run", "run"), "win": program("own.gui", "main", "main")}
	if diff := cmp.Diff(programs, d.programs(r)); diff != "" {
		t.Error(diff)
	}
}
