package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// lock is uv.lock.
type lock struct {
	Version  int
	Packages []*lockedPackage `toml:"package"`
}

type lockedPackage struct {
	Name, Version string
	Source        struct{ Registry, Virtual, Editable, Directory, URL, Git, Path string }
	Dependencies  []dependency
	Groups        map[string][]dependency `toml:"dev-dependencies"`
	Extras        map[string][]dependency `toml:"optional-dependencies"`
	Wheels        []lockedFile
}

type dependency struct {
	Name, Version, Marker string
	Extra                 []string
}

type lockedFile struct{ URL, Path, Hash string }

// project is pyproject.toml.
type project struct {
	Project struct{ Name string }
	Groups  map[string][]any `toml:"dependency-groups"`
	Tool    struct {
		UV struct {
			DefaultGroups any `toml:"default-groups"`
		}
	}
}

func readTOML(file string, to any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := toml.Unmarshal(data, to); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}

// wanted returns the packages of the lock file in dir that the options select, without the project itself.
func wanted(dir string, o options) ([]*lockedPackage, error) {
	var about project
	if err := readTOML(filepath.Join(dir, "pyproject.toml"), &about); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("no `pyproject.toml` found in current directory or any parent directory: %w", err)
		}
		return nil, err
	}
	var locked lock
	if err := readTOML(filepath.Join(dir, "uv.lock"), &locked); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("unable to find lockfile at `uv.lock`. To create a lockfile, run `uv lock` or `uv sync` without the flag: %w", err)
		}
		return nil, err
	}
	if locked.Version != 1 {
		return nil, fmt.Errorf("uv.lock has version %d, which this uv does not support", locked.Version)
	}
	root := locked.root(about.Project.Name)
	if root == nil {
		return nil, fmt.Errorf("uv.lock does not contain the project %q", about.Project.Name)
	}
	if root.Source.Virtual == "" && !o.set["--no-install-project"] && !o.set["--no-install-workspace"] {
		return nil, usage("the stand-in does not install the project itself; use --no-install-workspace")
	}
	open, err := root.selected(about, o)
	if err != nil {
		return nil, err
	}
	return locked.closure(open)
}

var separators = regexp.MustCompile(`[-_.]+`)

func normalised(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }

func (l lock) root(name string) *lockedPackage {
	for _, p := range l.Packages {
		if (p.Source.Virtual == "." || p.Source.Editable == ".") && p.Name == normalised(name) {
			return p
		}
	}
	return nil
}

// selected returns the project's dependencies, with those of the selected groups and extras.
func (p *lockedPackage) selected(about project, o options) ([]dependency, error) {
	if len(o.values["--only-group"]) > 0 || o.set["--all-extras"] && len(o.values["--no-extra"]) > 0 {
		return nil, usage("--only-group, --no-extra")
	}
	groups := []string{"dev"}
	if list, ok := about.Tool.UV.DefaultGroups.([]any); ok {
		groups = nil
		for _, name := range list {
			groups = append(groups, fmt.Sprint(name))
		}
	}
	if o.set["--no-default-groups"] {
		groups = nil
	}
	if o.set["--no-dev"] {
		groups = slices.DeleteFunc(groups, func(name string) bool { return name == "dev" })
	}
	groups = append(groups, o.values["--group"]...)
	if o.set["--all-groups"] {
		for name := range p.Groups {
			groups = append(groups, name)
		}
	}
	for _, name := range o.values["--group"] {
		if _, ok := about.Groups[name]; !ok {
			return nil, fmt.Errorf("group `%s` is not defined in the project's `dependency-groups` table", name)
		}
	}
	all := slices.Clone(p.Dependencies)
	for _, name := range groups {
		if !slices.Contains(o.values["--no-group"], name) {
			all = append(all, p.Groups[name]...)
		}
	}
	for name, dependencies := range p.Extras {
		if o.set["--all-extras"] || slices.Contains(o.values["--extra"], name) {
			all = append(all, dependencies...)
		}
	}
	return all, nil
}

// closure returns the packages of dependencies and of their dependencies.
func (l lock) closure(open []dependency) ([]*lockedPackage, error) {
	var found []*lockedPackage
	for ; len(open) > 0; open = open[1:] {
		d := open[0]
		ok, err := applies(d.Marker)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		at := slices.IndexFunc(l.Packages, func(p *lockedPackage) bool {
			return p.Name == d.Name && (d.Version == "" || p.Version == d.Version)
		})
		if at < 0 {
			return nil, fmt.Errorf("uv.lock does not contain %s, on which another package depends", d.Name)
		}
		p := l.Packages[at]
		for _, extra := range d.Extra {
			open = append(open, p.Extras[extra]...)
		}
		if slices.Contains(found, p) {
			continue
		}
		found = append(found, p)
		open = append(open, p.Dependencies...)
	}
	return found, nil
}

var platformMarker = regexp.MustCompile(`^(sys_platform|platform_system|os_name) (==|!=) '(\w+)'$`)

// applies reports whether a marker is true on Linux. It supports only comparisons of the platform's name.
func applies(marker string) (bool, error) {
	if marker == "" {
		return true, nil
	}
	m := platformMarker.FindStringSubmatch(marker)
	if m == nil {
		return false, usage("marker %q of uv.lock", marker)
	}
	name := map[string]string{"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}[m[1]]
	return (m[3] == name) == (m[2] == "=="), nil
}

// wheel returns the wheel of a package.
func (p *lockedPackage) wheel() (lockedFile, error) {
	if p.Source.Registry == "" {
		return lockedFile{}, usage("%s in uv.lock is not from an index", p.Name)
	}
	for _, f := range p.Wheels {
		if name := path.Base(f.URL); f.URL != "" && (strings.HasSuffix(name, "-py3-none-any.whl") || strings.HasSuffix(name, "-py2.py3-none-any.whl")) {
			if !strings.HasPrefix(f.Hash, "sha256:") {
				return f, fmt.Errorf("uv.lock has no SHA-256 of %s", name)
			}
			return f, nil
		}
	}
	return lockedFile{}, usage("%s %s has no pure Python wheel with an address in uv.lock", p.Name, p.Version)
}
