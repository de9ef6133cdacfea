package testenv

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// RPMDistro is a distribution with rpm packages. Debian with the real package manager stands in for it, because tests cannot
// reach the registries of the real base images.
type RPMDistro struct {
	Name      string // repository of its image
	OSRelease string // content of /etc/os-release
	Manager   string // Debian's package of the manager, and the manager's program
	Sources   string // directory of the files that name package repositories
}

// rpmManagers lists the package managers in the bases. Each image keeps one of them.
var rpmManagers = []string{"dnf", "zypper"}

// PushRPMBase pushes the base of a distribution as NAME:latest, and returns its reference. Its packages come from address. Its
// only package manager is the distribution's.
func (r *Registry) PushRPMBase(ctx context.Context, distro RPMDistro, address string) (string, error) {
	debian, err := baseWith(ctx, "trixie", rpmManagers)
	if err != nil {
		return "", err
	}
	own, err := distro.layer(address)
	if err != nil {
		return "", err
	}
	config := ocispecs.Image{
		Platform: ocispecs.Platform{OS: "linux", Architecture: runtime.GOARCH},
		Config:   ocispecs.ImageConfig{Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}},
	}
	_, err = r.PushImage(ctx, distro.Name, "latest", config, debian, own)
	return r.Host + "/" + distro.Name + ":latest", err
}

// layer returns the layer that turns Debian into the distribution.
func (d RPMDistro) layer(address string) (Blob, error) {
	source := "[packages]\nname=Packages\nbaseurl=" + address + "\nenabled=1\ngpgcheck=0\n"
	files := map[string]string{"/etc/os-release": d.OSRelease, path.Join(d.Sources, "packages.repo"): source}
	gone := []string{"apt", "apt-get", "dpkg"}
	for _, manager := range rpmManagers {
		if manager != d.Manager {
			gone = append(gone, manager)
		}
	}
	for _, program := range gone {
		files["/usr/bin/.wh."+program] = ""
	}
	var plain bytes.Buffer
	archive := tar.NewWriter(&plain)
	made := map[string]bool{"/": true}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := writeParents(archive, path.Dir(name), made)
		if err == nil {
			err = writeFile(archive, name, 0o644, []byte(files[name]))
		}
		if err != nil {
			return Blob{}, fmt.Errorf("packing %s: %w", name, err)
		}
	}
	if err := archive.Close(); err != nil {
		return Blob{}, err
	}
	return gzipLayer(plain.Bytes())
}

// MakeRPMs creates an rpm repository in dir, with packages of these names. Each contains one file, RPMFile of its name, and has no
// dependencies.
func MakeRPMs(ctx context.Context, dir string, names ...string) error {
	work, err := os.MkdirTemp("", "rtbuild-rpm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	args := []string{
		"-bb", "--quiet", "--define", "_topdir " + work, "--define", "_rpmdir " + dir, "--define", "_build_name_fmt %%{NAME}.rpm",
		"--define", "_buildhost localhost",
	}
	for _, name := range names {
		spec := filepath.Join(work, name+".spec")
		if err := os.WriteFile(spec, []byte(rpmSpec(name)), 0o600); err != nil {
			return err
		}
		args = append(args, spec)
	}
	if err := command(ctx, "rpmbuild", args...); err != nil {
		return err
	}
	return command(ctx, "createrepo_c", "--quiet", "--no-database", dir)
}

func rpmSpec(name string) string {
	return fmt.Sprintf(`Name: %[1]s
Version: 1.0
Release: 1
Summary: Stands for %[1]s
License: MIT
BuildArch: noarch
AutoReqProv: no
%%description
%%{summary}.
%%install
install -D /dev/null %%{buildroot}%[2]s
%%files
%[2]s
`, name, RPMFile(name))
}

// RPMFile returns the path of the file in a package of MakeRPMs.
func RPMFile(name string) string { return "/usr/share/stand-ins/" + name }

// baseWith returns BaseOf for this machine, with further packages of Debian.
func baseWith(ctx context.Context, suite string, packages []string) (Blob, error) {
	dir, err := CacheDir()
	if err != nil {
		return Blob{}, err
	}
	layer := filepath.Join(dir, "debian-"+suite+"-"+strings.Join(packages, "-")+"-"+runtime.GOARCH+".tar.gz")
	return made(ctx, layer, suite, runtime.GOARCH, packages...)
}
