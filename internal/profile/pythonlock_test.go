package profile

import (
	"testing"

	"github.com/rtbuild/rtbuild/internal/testenv/projecttest"
)

// TestPythonOrNode shows what becomes of projects with files of both languages, and which files make a project one of Python.
func TestPythonOrNode(t *testing.T) {
	const (
		named   = "[project]\nname = 'own'\n[project.scripts]\nown = 'own.cli:main'\n"
		webPart = `{"name": "x", "scripts": {"build": "vite build"}}`
		starts  = `{"name": "x", "scripts": {"start": "node server.js"}}`
		noLock  = "the Python project has no lock file that rtbuild installs from: found pyproject.toml: write one with: uv lock"
		lines   = ": write the line profile: node or the line profile: python in runtime.yaml, or give --profile"
	)
	tests := []struct {
		name  string
		files []string
		want  string // the profile and the manager, or the error
	}{
		{"a web part", []string{"pyproject.toml", named, "package.json", webPart, "package-lock.json", "{}"}, noLock},
		{"a web part, and a lock file", []string{"pyproject.toml", named, "uv.lock", "", "package.json", webPart, "package-lock.json", "{}"}, "python uv"},
		{"a web part of another manager, and requirements", []string{"pyproject.toml", named, "requirements.txt", "a==1", "package.json", webPart, "pnpm-lock.yaml", ""}, "python pip"},
		{"a project of Poetry and a web part", []string{"pyproject.toml", "[tool.poetry]\nname = 'own'\n", "poetry.lock", "", "package.json", webPart, "package-lock.json", "{}"}, "python poetry"},
		{"both start", []string{"pyproject.toml", named, "uv.lock", "", "package.json", starts, "package-lock.json", "{}"}, "the project has package-lock.json and uv.lock" + lines},
		{"both start, and one has a lock file", []string{"pyproject.toml", named, "package.json", starts, "package-lock.json", "{}"}, "the project has package-lock.json and pyproject.toml" + lines},
		{"requirements without a project", []string{"requirements.txt", "a==1", "package.json", webPart, "package-lock.json", "{}"}, "the project has package-lock.json and requirements.txt" + lines},
		{"settings of tools", []string{"pyproject.toml", "[tool.ruff]\n", "package.json", webPart, "package-lock.json", "{}"}, "node npm"},
		{"settings of tools, and requirements", []string{"pyproject.toml", "\uFEFF[tool.ruff]\r\n", "requirements.txt", "\uFEFFa==1\r\n"}, "python pip"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := Load(projecttest.Files(test.files...), Options{Base: "debian"})
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = r.Profile + " " + r.Dependencies.Manager
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestNoPythonLock shows the one command that makes a lock file, for each layout.
func TestNoPythonLock(t *testing.T) {
	const poetry = "[build-system]\nbuild-backend = 'poetry.core.masonry.api'\n"
	tests := []struct {
		files []string
		want  string // after "found "
	}{
		{[]string{"pyproject.toml", "[project]\nname = 'own'\n"}, "pyproject.toml: write one with: uv lock"},
		{[]string{"pyproject.toml", "[project]\nname = 'own'\n" + poetry}, "pyproject.toml: write one with: poetry lock"},
		{[]string{"pyproject.toml", "[project]\nname = 'own'\n[tool.uv]\n" + poetry}, "pyproject.toml: write one with: uv lock"},
		{[]string{"pyproject.toml", "[tool.poetry]\nname = 'own'\n"}, "pyproject.toml: write one with: poetry lock"},
		{[]string{"pyproject.toml", "[project]\nname = 'own'\n[tool.pdm]\n"}, "pyproject.toml: write one with: pdm lock"},
		{[]string{"pyproject.toml", "[tool.ruff]\n", "Pipfile", "", "Pipfile.lock", "{}"}, "Pipfile.lock and Pipfile: write one with: pipenv requirements --hash > requirements.txt"},
		{[]string{"Pipfile", ""}, "Pipfile: write one with: pipenv lock && pipenv requirements --hash > requirements.txt"},
		{[]string{"requirements.in", "a"}, "requirements.in: write one with: uv pip compile --universal --generate-hashes -o requirements.txt requirements.in"},
		{[]string{"setup.py", ""}, "setup.py: write one with: uv pip compile --universal --generate-hashes -o requirements.txt setup.py"},
		{[]string{"setup.cfg", ""}, "setup.cfg: write one with: uv pip compile --universal --generate-hashes -o requirements.txt setup.cfg"},
		{[]string{"environment.yml", "channels: [x]\nname: agent\n"}, "environment.yml: write one with: conda run -n agent python -m pip list --format=freeze > requirements.txt"},
		{[]string{"environment.yaml", ""}, "environment.yaml: write one with: conda run -n ENVIRONMENT python -m pip list --format=freeze > requirements.txt"},
	}
	for _, test := range tests {
		for _, profile := range []string{"", "python"} {
			_, err := Load(projecttest.Files(test.files...), Options{Base: "debian", Profile: profile})
			projecttest.CheckError(t, err, "the Python project has no lock file that rtbuild installs from: found "+test.want)
		}
	}
}
