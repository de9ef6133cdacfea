package manifests

import (
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestUnknown shows what an installation without the build backend lacks.
func TestUnknown(t *testing.T) {
	tests := []struct{ name, manifest, version, want string }{
		{"nothing", named + "[build-system]\nrequires = ['hatchling', 'hatch-vcs']\nbuild-backend = 'hatchling.build'\n", "", ""},
		{"a version", "[project]\nname = 'own'\ndynamic = ['version', 'readme']\n", "main", "its version is 0.0.0: write version: in runtime.yaml"},
		{"a version that is given", "[project]\nname = 'own'\ndynamic = ['version']\n", "1.2", ""},
		{"everything", "[project]\nname = 'own'\ndynamic = ['version', 'scripts', 'gui-scripts', 'entry-points', 'dependencies']\n", "1",
			"it lacks the scripts, which are dynamic in its manifest\nit lacks the gui-scripts, which are dynamic in its manifest\nit lacks the entry-points, which are dynamic in its manifest"},
		{"a compiling backend", named + "[build-system]\nbuild-backend = 'maturin'\n", "", "it lacks what maturin compiles"},
		{"a compiler", named + "[build-system]\nrequires = ['setuptools', 'Cython>=3']\n", "", "it lacks what cython compiles"},
		{"extension modules", named + "[tool.setuptools]\next-modules = [{name = 'own.c', sources = ['c.c']}]\n", "", "it lacks what setuptools compiles"},
		{"a moved package", named + "[tool.setuptools.package-dir]\n'' = 'src'\nown = 'lib'\n'own.b' = 'src/own/b'\n", "", "own cannot be imported, because package-dir moves it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := ReadPythonProject(projecttest.Files(PyprojectTOML, test.manifest), ".")
			projecttest.Must(t, err)
			if got := strings.Join(p.Unknown(test.version), "\n"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
