package testmirror

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dockerSuite is a suite of Docker's repository: "linux/DISTRIBUTION dists/SUITE".
type dockerSuite struct{ distribution, suite, release string }

var dockerSuites = []dockerSuite{
	{"debian", "trixie", "debian.13~trixie"},
	{"debian", "bookworm", "debian.12~bookworm"},
	{"ubuntu", "noble", "ubuntu.24.04~noble"},
}

// dockerPackage is a package of Docker's repository: programs that print a version, and dependencies.
type dockerPackage struct {
	name, epoch, version, depends, recommends string
	programs                                  map[string]string // the version text that each program prints
}

var dockerPackages = []dockerPackage{
	{
		name: "docker-ce", epoch: "5:", version: "28.5.1", depends: "containerd.io (>= 1.7.27), docker-ce-cli",
		recommends: "docker-buildx-plugin, docker-compose-plugin", programs: map[string]string{"usr/bin/dockerd": "Docker version 28.5.1, build stand-in"},
	},
	{
		name: "docker-ce-cli", epoch: "5:", version: "28.5.1", recommends: "docker-buildx-plugin, docker-compose-plugin",
		programs: map[string]string{"usr/bin/docker": "Docker version 28.5.1, build stand-in"},
	},
	{name: "containerd.io", version: "1.7.28", programs: map[string]string{"usr/bin/containerd": "containerd containerd.io 1.7.28 stand-in", "usr/bin/runc": "runc version 1.3.0 stand-in"}},
	{name: "docker-buildx-plugin", version: "0.29.1", programs: map[string]string{"usr/libexec/docker/cli-plugins/docker-buildx": "github.com/docker/buildx v0.29.1 stand-in"}},
	{name: "docker-compose-plugin", version: "2.40.0", programs: map[string]string{"usr/libexec/docker/cli-plugins/docker-compose": "Docker Compose version v2.40.0 stand-in"}},
}

// dockerGroup is a script that creates the group docker, as the real package does.
const dockerGroup = "#!/bin/sh\nset -e\nif [ \"$1\" = configure ] && ! getent group docker >/dev/null; then groupadd --system docker; fi\n"

// makeDocker creates the apt repositories of all suites, and signs them with a new key.
func makeDocker(ctx context.Context, dir string) error {
	home, err := os.MkdirTemp("", "rtbuild-gpg-") // a short path, because it contains the agent's socket
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	gpg := []string{"--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""}
	defer command(context.WithoutCancel(ctx), "", "gpgconf", "--homedir", home, "--kill", "all") //nolint:errcheck // the agent may have ended
	uid := "Docker Release, a stand-in of rtbuild's tests <stand-in@example.com>"
	if err := command(ctx, "", "gpg", append(gpg, "--quick-generate-key", uid, "rsa2048", "sign", "never")...); err != nil {
		return err
	}
	key, err := output(ctx, "", "gpg", append(gpg, "--armor", "--export")...)
	if err != nil {
		return err
	}
	for _, s := range dockerSuites {
		root := filepath.Join(dir, "linux", s.distribution)
		if err := writeFile(filepath.Join(root, "gpg"), key, 0o644); err != nil {
			return err
		}
		if err := s.make(ctx, root, gpg); err != nil {
			return fmt.Errorf("suite %s: %w", s.suite, err)
		}
	}
	return nil
}

// make creates a suite's packages, lists and signatures.
func (s dockerSuite) make(ctx context.Context, root string, gpg []string) error {
	dist := filepath.Join(root, "dists", s.suite)
	for _, architecture := range []string{"amd64", "arm64"} {
		pool := filepath.Join("dists", s.suite, "pool/stable", architecture)
		for _, p := range dockerPackages {
			if err := p.make(ctx, filepath.Join(root, pool), s.release, architecture); err != nil {
				return fmt.Errorf("package %s: %w", p.name, err)
			}
		}
		list, err := output(ctx, root, "apt-ftparchive", "packages", pool)
		if err != nil {
			return err
		}
		var packed bytes.Buffer
		zip := gzip.NewWriter(&packed)
		if _, err := zip.Write(list); err != nil {
			return err
		}
		if err := zip.Close(); err != nil {
			return err
		}
		to := filepath.Join(dist, "stable", "binary-"+architecture)
		if err := writeFile(filepath.Join(to, "Packages"), list, 0o644); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(to, "Packages.gz"), packed.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return s.sign(ctx, dist, gpg)
}

func (s dockerSuite) sign(ctx context.Context, dist string, gpg []string) error {
	var args []string
	for key, value := range map[string]string{
		"Origin": "Docker", "Label": "Docker CE", "Suite": s.suite, "Codename": s.suite, "Components": "stable", "Architectures": "amd64 arm64",
	} {
		args = append(args, "-o", "APT::FTPArchive::Release::"+key+"="+value)
	}
	release, err := output(ctx, dist, "apt-ftparchive", append(args, "release", ".")...)
	if err != nil {
		return err
	}
	file := filepath.Join(dist, "Release")
	if err := writeFile(file, release, 0o644); err != nil {
		return err
	}
	if err := command(ctx, "", "gpg", append(gpg, "--clearsign", "--output", filepath.Join(dist, "InRelease"), file)...); err != nil {
		return err
	}
	return command(ctx, "", "gpg", append(gpg, "--armor", "--detach-sign", "--output", file+".gpg", file)...)
}

// make creates the package's file in pool.
func (p dockerPackage) make(ctx context.Context, pool, release, architecture string) error {
	tree, err := os.MkdirTemp("", "rtbuild-deb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tree)
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	version := p.version + "-1~" + release
	control := fmt.Sprintf("Package: %s\nVersion: %s%s\nArchitecture: %s\nMaintainer: rtbuild <stand-in@example.com>\nSection: admin\nPriority: optional\n",
		p.name, p.epoch, version, architecture)
	if p.depends != "" {
		control += "Depends: " + p.depends + "\n"
	}
	if p.recommends != "" {
		control += "Recommends: " + p.recommends + "\n"
	}
	control += "Description: a stand-in of rtbuild's tests for " + p.name + "\n It tells its version, and runs no container.\n"
	if err := writeFile(filepath.Join(tree, "DEBIAN/control"), []byte(control), 0o644); err != nil {
		return err
	}
	if p.name == "docker-ce" {
		if err := writeFile(filepath.Join(tree, "DEBIAN/postinst"), []byte(dockerGroup), 0o755); err != nil {
			return err
		}
	}
	for file, text := range p.programs {
		script := fmt.Sprintf("#!/bin/sh\n# A stand-in of rtbuild's tests.\ncase \"$1\" in\n  -v | --version | version | docker-cli-plugin-metadata) echo '%s' ;;\n"+
			"  *) echo \"%s (a stand-in of rtbuild's tests) called as: $0 $*: only --version is known\" >&2; exit 2 ;;\nesac\n", text, filepath.Base(file))
		if err := writeFile(filepath.Join(tree, file), []byte(script), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(pool, 0o755); err != nil {
		return err
	}
	deb := filepath.Join(pool, p.name+"_"+version+"_"+architecture+".deb")
	return command(ctx, "", "dpkg-deb", "--root-owner-group", "-Zgzip", "--build", tree, deb)
}

// apt returns the file at a path of download.docker.com.
func (m *Mirror) apt(path string) (file, error) {
	if !strings.HasPrefix(path, "/linux/debian/") && !strings.HasPrefix(path, "/linux/ubuntu/") {
		return file{}, absent("there are stand-ins only below /linux/debian and /linux/ubuntu")
	}
	f, err := fileBelow(m.docker, path)
	if err != nil {
		return file{}, absent("there are stand-ins only for the component stable of the suites trixie, bookworm (Debian) and noble (Ubuntu)")
	}
	return f, nil
}
