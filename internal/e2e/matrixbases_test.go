//go:build projects

package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rtbuild/rtbuild/internal/profile"
	"github.com/rtbuild/rtbuild/internal/testenv"
	"github.com/rtbuild/rtbuild/internal/testmirror"
	"github.com/rtbuild/rtbuild/internal/testmirror/releases"
	"github.com/rtbuild/rtbuild/internal/trust"
	"github.com/rtbuild/rtbuild/llb"
)

// Stand-ins for the images of Docker Hub and of uv, made from the same programs. They trust what this machine trusts, because a Dockerfile
// cannot be told. The settings of Poetry and uv name the index by which this machine reaches PyPI.
const (
	nodeBase = `FROM base
RUN --mount=type=bind,target=/context tar -xzf /context/node.tgz --strip-components=1 -C /usr/local package/bin package/include \
 && mkdir -p /usr/local/lib/node_modules/npm && tar -xzf /context/npm.tgz --strip-components=1 -C /usr/local/lib/node_modules/npm \
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \
 && chown -R root:root /usr/local && useradd --create-home --uid 1000 node && cp /context/ca.pem /etc/ssl/certs/ca-certificates.crt
ENV NODE_VERSION=RELEASE NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
CMD ["node"]
`
	pythonBase = `FROM base
RUN --mount=type=bind,target=/context apt-get update && apt-get install -y --no-install-recommends python3 python3-venv python3-pip && rm -rf /var/lib/apt/lists/* \
 && ln -s python3 /usr/bin/python && cp /context/ca.pem /etc/ssl/certs/ca-certificates.crt
ENV PYTHON_VERSION=3.11 SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
ENV PIP_INDEX_URL=INDEX POETRY_PYPI_MIRROR_URL=POETRY
CMD ["python3"]
`
	uvImage = "FROM scratch\nADD uv.tgz /\n"
)

// matrixBases are the steps that make the bases, by their names in Dockerfiles.
var matrixBases = map[string]string{"node:22-bookworm-slim": nodeBase, "python:3.11-slim-bookworm": pythonBase, "ghcr.io/astral-sh/uv:" + uvVersion(): uvImage}

// madeBases are the references of bases in the shared registry, by name.
var madeBases = map[string]string{}

// matrixBase returns the reference of a base in the shared registry. It makes the base once.
func matrixBase(t *testing.T, name string) string {
	t.Helper()
	if madeBases[name] != "" {
		return madeBases[name]
	}
	dir := t.TempDir()
	write(t, dir, "ca.pem", string(must(os.ReadFile(trust.HostBundle()))(t)))
	for file, tool := range map[string][2]string{"node.tgz": {"node", "22"}, "npm.tgz": {"npm", ""}} {
		release, _ := (&profile.Runtime{}).Release(tool[0], tool[1])
		write(t, dir, file, string(must(cachedDownload(t, release.Address(runtime.GOARCH)))(t)))
	}
	packUV(t, filepath.Join(dir, "uv.tgz"))
	node, _ := (&profile.Runtime{}).Release("node", "22")
	index := releases.Index(t.Context())
	text := strings.NewReplacer("INDEX", index, "POETRY", strings.Replace(index, llb.PyPI+"/", llb.PyPI+":443/", 1), "RELEASE", node.Version).Replace(matrixBases[name])
	write(t, dir, "Dockerfile", text)
	ref := env.registry.Host + "/" + name[strings.LastIndex(name, "/")+1:]
	succeeds(t, buildx(t, dir, "build", "--progress", "plain", "--provenance=false", "--build-context", "base=docker-image://"+env.base,
		"--output", "type=image,push=true,compression-level=1,name="+ref, dir))
	madeBases[name] = ref
	return ref
}

// cachedDownload returns a download, which the cache of the tests keeps.
func cachedDownload(t *testing.T, address string) ([]byte, error) {
	t.Helper()
	file := filepath.Join(must(testenv.CacheDir())(t), "matrix", filepath.Base(address))
	err := testenv.Made(file, func(temp string) error {
		content, err := testmirror.Fetch(t.Context(), address, "")
		if err != nil {
			return err
		}
		return os.WriteFile(temp, content, 0o644)
	})
	if err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

func uvVersion() string {
	release, _ := (&profile.Runtime{}).Release("uv", "")
	return release.Version
}

// packUV packs the real uv.
func packUV(t *testing.T, archive string) {
	t.Helper()
	uv := unpackedUV(t)
	if err := exec.CommandContext(t.Context(), "tar", "-czf", archive, "-C", filepath.Dir(uv), "uv").Run(); err != nil {
		t.Fatal(err)
	}
}

// unpackedUV returns the file of the real uv.
func unpackedUV(t *testing.T) string {
	t.Helper()
	file := filepath.Join(must(testenv.CacheDir())(t), "matrix", "uv-"+uvVersion(), "uv")
	err := testenv.Made(filepath.Dir(file), func(temp string) error {
		packed, err := releases.UV(t.Context(), uvVersion())
		if err != nil {
			return err
		}
		unpack := exec.CommandContext(t.Context(), "tar", "-xz", "--strip-components=1", "-C", temp)
		unpack.Stdin = bytes.NewReader(packed)
		return errors.Join(os.Mkdir(temp, 0o755), unpack.Run())
	})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// lockUV writes uv.lock for a project of uv, which names the addresses of this machine's index.
func lockUV(t *testing.T, dir string) {
	t.Helper()
	manifest, _ := os.ReadFile(filepath.Join(dir, "pyproject.toml"))
	if _, err := os.Stat(filepath.Join(dir, "poetry.lock")); err == nil || manifest == nil {
		return
	}
	lock := exec.CommandContext(t.Context(), unpackedUV(t), "lock", "--quiet")
	lock.Dir = dir
	lock.Env = append(os.Environ(), "UV_DEFAULT_INDEX="+releases.Index(t.Context()), "SSL_CERT_FILE="+trust.HostBundle())
	if out, err := lock.CombinedOutput(); err != nil {
		t.Fatalf("uv lock: %v\n%s", err, out)
	}
}
