package testmirror

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// debianPackages lists the packages of Debian trixie from which the channel's packages and the index's wheels are made.
const debianPackages = "python3,python3-venv,python3-poetry,python3-pip-whl,python3-setuptools-whl,python3-wheel-whl,python3-packaging-whl"

// makeDebian unpacks Debian's Python and poetry, and repacks them as a channel in dir/conda and as wheels in dir/wheels.
func makeDebian(ctx context.Context, dir string) error {
	tree := filepath.Join(dir, "tree")
	if err := command(ctx, "", "mmdebstrap", "--variant=extract", "--include="+debianPackages, "trixie", tree); err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	if err := compile(ctx, tree); err != nil {
		return err
	}
	usr := filepath.Join(tree, "usr")
	wheels, err := filepath.Glob(filepath.Join(usr, "share/python-wheels/*.whl"))
	if err != nil {
		return err
	}
	for _, wheel := range wheels {
		data, err := os.ReadFile(wheel)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, "wheels", filepath.Base(wheel)), data, 0o644); err != nil {
			return err
		}
	}
	python, err := debianPython(ctx, usr)
	if err != nil {
		return err
	}
	poetry, err := debianPoetry(usr, python.version)
	if err != nil {
		return err
	}
	return writeChannel(filepath.Join(dir, "conda"), python, poetry)
}

// compile compiles Debian's modules to byte code, which conda's packages also contain. Without it, poetry starts five times as
// slowly. Python does not check the byte code against the source, whose time is that of its unpacking.
func compile(ctx context.Context, tree string) error {
	for _, dir := range []string{"lib", "lib64"} {
		if err := os.Symlink("usr/"+dir, filepath.Join(tree, dir)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return command(ctx, "", "env", "-i", "PATH="+os.Getenv("PATH"), "PYTHONHASHSEED=0", "chroot", tree, "/usr/bin/python3.13", "-m", "compileall", "-q",
		"--invalidation-mode", "unchecked-hash", "/usr/lib/python3.13", "/usr/lib/python3/dist-packages")
}

// debianPython returns a package with the interpreter, its library, the wheels that venv needs, and all shared libraries except
// libc's, because a base may lack them.
func debianPython(ctx context.Context, usr string) (condaPackage, error) {
	p := condaPackage{name: "python", files: map[string]condaFile{}}
	var err error
	if p.version, err = debianVersion(ctx, filepath.Join(usr, "share/doc/python3.13-minimal/changelog.Debian.gz")); err != nil {
		return p, err
	}
	for _, name := range []string{"bin/python3", "bin/python3.13"} {
		if err := p.add(usr, name); err != nil {
			return p, err
		}
	}
	p.files["bin/python"] = condaFile{target: "python3.13"}
	for _, dir := range []string{"lib/python3.13", "share/python-wheels"} {
		if err := p.addTree(usr, dir); err != nil {
			return p, err
		}
	}
	// Remove Debian's restriction of its own Python, and a link that leaves the prefix.
	delete(p.files, "lib/python3.13/EXTERNALLY-MANAGED")
	delete(p.files, "lib/python3.13/sitecustomize.py")
	if err := p.addLibraries(usr); err != nil {
		return p, err
	}
	return p, p.relocate(ctx)
}

// relocate sets an RPATH, so that the interpreter finds its libraries in any environment. An RPATH also applies to the modules
// that the interpreter loads, so only one file needs a change.
func (p *condaPackage) relocate(ctx context.Context) error {
	temp, err := os.MkdirTemp("", "rtbuild-patchelf-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	file, python := filepath.Join(temp, "python"), p.files["bin/python3.13"]
	if err := os.WriteFile(file, python.content, 0o755); err != nil {
		return err
	}
	if err := command(ctx, "", "patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib", file); err != nil {
		return err
	}
	python.content, err = os.ReadFile(file)
	p.files["bin/python3.13"] = python
	return err
}

// debianPoetry returns a package with poetry, all modules that it needs, and their programs.
func debianPoetry(usr, python string) (condaPackage, error) {
	minor := strings.Join(strings.Split(python, ".")[:2], ".")
	p := condaPackage{name: "poetry", depends: []string{"python >=" + minor + ",<3.14.0a0"}, files: map[string]condaFile{}}
	if err := p.addTree(usr, "lib/python3/dist-packages"); err != nil {
		return p, err
	}
	for name := range p.files {
		if m := regexp.MustCompile(`^lib/python3/dist-packages/poetry-([0-9.]+)\.dist-info/METADATA$`).FindStringSubmatch(name); m != nil {
			p.version = m[1]
		}
	}
	if p.version == "" {
		return p, errors.New("no poetry in Debian's python3-poetry")
	}
	for _, program := range []string{"poetry", "virtualenv", "keyring"} {
		if err := p.add(usr, "bin/"+program); err != nil {
			return p, err
		}
	}
	return p, p.addLibraries(usr)
}

// add adds a file or link of Debian's. In text files, it replaces Debian's prefix /usr by the placeholder.
func (p *condaPackage) add(usr, name string) error {
	file := filepath.Join(usr, name)
	info, err := os.Lstat(file)
	if err != nil {
		return err
	}
	f := condaFile{mode: info.Mode().Perm()}
	if info.Mode()&fs.ModeSymlink != 0 {
		f.target, err = os.Readlink(file)
		p.files[name] = f
		return err
	}
	if f.content, err = os.ReadFile(file); err != nil {
		return err
	}
	if !bytes.Contains(f.content, []byte{0}) {
		before := f.content
		f.content = shebang.ReplaceAll(f.content, []byte("#!"+placeholder+"/bin/python3"))
		f.content = bytes.ReplaceAll(f.content, []byte("/usr/share/python-wheels"), []byte(placeholder+"/share/python-wheels"))
		f.prefix = !bytes.Equal(before, f.content)
	}
	p.files[name] = f
	return nil
}

// shebang matches Debian's interpreter in the first line of a script.
var shebang = regexp.MustCompile(`\A#! ?/usr/bin/python3(\.\d+)?\b`)

func (p *condaPackage) addTree(usr, dir string) error {
	err := filepath.WalkDir(filepath.Join(usr, dir), func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(usr, file)
		if err != nil || d.IsDir() {
			return err
		}
		return p.add(usr, name)
	})
	if err != nil {
		return err
	}
	// The byte code of modules with a placeholder would contain Debian's prefix.
	for name, f := range p.files {
		if module, ok := strings.CutSuffix(path.Base(name), ".py"); ok && f.prefix {
			delete(p.files, path.Dir(name)+"/__pycache__/"+module+".cpython-313.pyc")
		}
	}
	return nil
}

// libc matches the libraries that every Debian base has, and that must be the base's own.
var libc = regexp.MustCompile(`^(ld-linux.*|lib(c|m|dl|rt|pthread|util|resolv|nsl|anl)\.so\.\d+)$`)

// addLibraries adds the shared libraries that the package's files need, and their dependencies.
func (p *condaPackage) addLibraries(usr string) error {
	open := slices.Sorted(maps.Keys(p.files))
	for len(open) > 0 {
		name := open[0]
		open = open[1:]
		needed, err := libraries(p.files[name].content)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		for _, library := range needed {
			to := "lib/" + library
			if _, ok := p.files[to]; ok || libc.MatchString(library) {
				continue
			}
			content, err := os.ReadFile(filepath.Join(usr, "lib", triplet(), library))
			if err != nil {
				return err
			}
			p.files[to] = condaFile{content: content, mode: 0o644}
			open = append(open, to)
		}
	}
	return nil
}

// libraries returns the shared libraries that an ELF file needs. Other files need none.
func libraries(content []byte) ([]string, error) {
	if !bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
		return nil, nil
	}
	file, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return file.ImportedLibraries()
}

// debianVersion returns the upstream version in the first line of a package's changelog.
func debianVersion(ctx context.Context, changelog string) (string, error) {
	text, err := output(ctx, "", "zcat", changelog)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`\A\S+ \((?:\d+:)?([0-9.]+)`).FindSubmatch(text)
	if m == nil {
		return "", fmt.Errorf("%s: no version in its first line", changelog)
	}
	return string(m[1]), nil
}
