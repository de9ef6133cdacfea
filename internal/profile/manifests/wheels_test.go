package manifests

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestMarkers evaluates markers as lock files have them.
func TestMarkers(t *testing.T) {
	target := pythonTarget{line: "3.12", machine: "x86_64", extras: []string{"Web-Server"}}
	for marker, want := range map[string]bool{
		"":                              true,
		"sys_platform == 'linux'":       true,
		"sys_platform == 'win32'":       false,
		`platform_machine != "aarch64"`: true,
		"python_version < '3.12'":       false,
		"python_version > '3.11'":       true,
		"python_version > '3.12'":       false,
		"python_full_version < '3.13' and platform_python_implementation == 'CPython'":        true,
		"python_full_version >= '3.13' or (os_name == 'nt' and sys_platform != 'emscripten')": false,
		"python_full_version == '3.12.*'":                                                     true,
		"sys_platform in 'linux darwin'":                                                      true,
		"sys_platform not in 'linux darwin'":                                                  false,
		"'linux' == sys_platform":                                                             true,
		`extra == "web_server"`:                                                               true,
		`extra == "other" or extra == "all"`:                                                  false,
		"platform_release == '6'":                                                             false, // only the machine knows
		"sys_platform ==":                                                                     false,
		"(sys_platform == 'linux'":                                                            false,
		"sys_platform == 'linux' garbage":                                                     false,
		"sys_platform >= 'linux'":                                                             false,
		"(python_version >= '3.9' and sys_platform == 'linux') or (python_version >= '3.9' and sys_platform == 'x')": true,
		strings.Repeat("(", 10_000) + "os_name == 'posix'" + strings.Repeat(")", 10_000):                             false,
	} {
		if got := target.holds(marker); got != want {
			t.Errorf("%.100q: %v", marker, got)
		}
	}
}

// TestFits tells wheels for a target from others.
func TestFits(t *testing.T) {
	target := pythonTarget{line: "3.12", machine: "x86_64"}
	for file, want := range map[string]bool{
		"a-1-py3-none-any.whl":                         true,
		"a-1-py2.py3-none-any.whl":                     true,
		"a-1-py2-none-any.whl":                         false,
		"a-1-py312-none-any.whl":                       true,
		"a-1-py313-none-any.whl":                       false,
		"a-1-cp312-cp312-manylinux_2_17_x86_64.whl":    true,
		"a-1-cp312-cp312-musllinux_1_2_x86_64.whl":     true,
		"a-1-cp312-cp312-manylinux_2_17_aarch64.whl":   false,
		"a-1-cp311-cp311-manylinux_2_17_x86_64.whl":    false,
		"a-1-cp312-cp312t-manylinux_2_17_x86_64.whl":   false,
		"a-1-cp38-abi3-manylinux_2_17_x86_64.whl":      true,
		"a-1-cp313-abi3-manylinux_2_17_x86_64.whl":     false,
		"a-1-1-cp312-none-linux_x86_64.whl":            true,
		"a-1-cp310.cp311.cp312-none-macosx_11_0.whl":   false,
		"a-1-pp310-pypy310_pp73-manylinux2014_x86.whl": false,
		"a-1.tar.gz": false,
		"a.whl":      false,
	} {
		if got := target.fits(file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

// TestPythonWithoutWheel reads lock files of uv and Poetry.
func TestPythonWithoutWheel(t *testing.T) {
	const manifest = "[project]\nname = 'own'\nversion = '1'\n"
	uv := locked("own", "virtual = '.'", `dependencies = [{ name = "pure" }, { name = "compiled" }, { name = "windows", marker = "sys_platform == 'win32'" }, { name = "arm" }, { name = "new" }]
[package.optional-dependencies]
web = [{ name = "web" }]
[package.dev-dependencies]
dev = [{ name = "dev" }]
`) + wheels("pure", "pure-1-py3-none-any.whl") + wheels("compiled", "compiled-1.tar.gz") + wheels("windows", "windows-1-cp312-cp312-win_amd64.whl") +
		wheels("arm", "arm-1-cp312-abi3-manylinux_2_17_aarch64.whl") + wheels("new", "new-1-cp314-cp314-manylinux_2_17_x86_64.whl", "new-1-cp314-cp314-manylinux_2_17_aarch64.whl", "new-1.tar.gz") +
		wheels("web", "web-1.tar.gz") + wheels("dev", "dev-1.tar.gz") + "[[package]]\nname = 'git'\nversion = '1'\nsource = { git = 'https://e.com/x' }\n"
	poetry := "[[package]]\nname = 'a'\nversion = '1'\noptional = false\ngroups = ['main']\nfiles = [{file = 'a-1.tar.gz'}]\n" +
		"[[package]]\nname = 'b'\nversion = '1'\ngroups = ['dev', 'main']\nmarkers = {dev = 'python_version > \"3\"', main = 'sys_platform == \"win32\"'}\nfiles = [{file = 'b-1-cp312-cp312-win32.whl'}]\n" +
		"[[package]]\nname = 'c'\nversion = '1'\noptional = true\ngroups = ['main']\nmarkers = 'extra == \"web\"'\nfiles = [{file = 'c-1-cp312-cp312-win32.whl'}]\n" +
		"[[package]]\nname = 'd'\nversion = '1'\ngroups = ['main']\nfiles = []\n[package.source]\ntype = 'git'\n[metadata]\nlock-version = '2.1'\n"
	tests := []struct {
		name, manager, arch, lock string
		lines                     []string
		more                      Choice
		want                      WithoutWheel
	}{
		{name: "uv", manager: "uv", arch: "amd64", lines: []string{"3.12"}, want: WithoutWheel{Compiled: []string{"compiled 1", "new 1"}, Impossible: []string{"arm 1"}}},
		{name: "uv, another platform", manager: "uv", arch: "arm64", lines: []string{"3.12"}, want: WithoutWheel{Compiled: []string{"compiled 1", "new 1"}}},
		{name: "uv, any Python", manager: "uv", arch: "amd64", lines: []string{"3.12", "3.14"}, want: WithoutWheel{Compiled: []string{"compiled 1"}, Impossible: []string{"arm 1"}}},
		{name: "uv, with more", manager: "uv", arch: "arm64", lines: []string{"3.14"}, more: Choice{[]string{"web"}, []string{"dev"}}, want: WithoutWheel{Compiled: []string{"compiled 1", "dev 1", "web 1"}}},
		{name: "Poetry", manager: "poetry", arch: "amd64", lines: []string{"3.12"}, want: WithoutWheel{Compiled: []string{"a 1"}}},
		{name: "Poetry, with more", manager: "poetry", arch: "amd64", lines: []string{"3.12"}, more: Choice{[]string{"web"}, []string{"dev"}}, want: WithoutWheel{Compiled: []string{"a 1"}, Impossible: []string{"b 1", "c 1"}}},
		{name: "an older Poetry", manager: "poetry", arch: "amd64", lock: "[[package]]\nname = 'a'\nversion = '1'\nfiles = [{file = 'a-1.tar.gz'}]\n[metadata]\nlock-version = '2.0'\n", lines: []string{"3.12"}},
		{name: "pip", manager: "pip", arch: "amd64", lines: []string{"3.12"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lock := poetry
			if tt.lock != "" {
				lock = tt.lock
			}
			project := projecttest.Files(PyprojectTOML, manifest, uvLockName, uv, poetryLockName, lock)
			root, err := ReadPythonProject(project, ".")
			projecttest.Must(t, err)
			got, err := PythonWithoutWheel(project, tt.manager, tt.arch, tt.lines, root, tt.more)
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// wheels returns a package of an index in uv.lock with these files.
func wheels(name string, files ...string) string {
	more := "wheels = ["
	sdist := ""
	for _, file := range files {
		entry := "{ url = 'https://e.com/" + file + "' }"
		if file[len(file)-4:] == ".whl" {
			more += entry + ", "
		} else {
			sdist = "sdist = " + entry + "\n"
		}
	}
	return locked(name, "registry = 'https://e.com'", "version = '1'\n"+more+"]\n"+sdist)
}
