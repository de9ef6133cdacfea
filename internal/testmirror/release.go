package testmirror

import (
	"context"
	"os"
	"path/filepath"
	"regexp"

	"github.com/rtbuild/rtbuild/internal/testmirror/stamp"
)

// The release files of the programs, with architectures as the release pages name them, and their names in Go.
var (
	uvFile         = regexp.MustCompile(`^/astral-sh/uv/releases/download/(\d+\.\d+\.\d+)/uv-(x86_64|aarch64)-unknown-linux-gnu\.tar\.gz$`)
	micromambaFile = regexp.MustCompile(`^/mamba-org/micromamba-releases/releases/download/(\d+\.\d+\.\d+)-(?:\d+)/micromamba-linux-(64|aarch64)$`)
	editorFile     = regexp.MustCompile(`^/gitpod-io/openvscode-server/releases/download/openvscode-server-v(\d+\.\d+\.\d+)/openvscode-server-v(\d+\.\d+\.\d+)-linux-(x64|arm64|armhf)\.tar\.gz$`)

	goArchitectures = map[string]string{
		"x86_64": "amd64", "aarch64": "arm64", "64": "amd64", "x64": "amd64", "arm64": "arm64", "armhf": "arm",
	}
)

// release returns the file at a path of github.com.
func (m *Mirror) release(path string) (file, error) {
	var data []byte
	var err error
	mimeType := "application/gzip"
	if match := uvFile.FindStringSubmatch(path); match != nil {
		data, err = m.once(path, func() ([]byte, error) { return m.uv(match[1], match[2]) })
	} else if match := micromambaFile.FindStringSubmatch(path); match != nil {
		mimeType = "application/octet-stream"
		data, err = m.once(path, func() ([]byte, error) {
			program, err := m.program("micromamba", goArchitectures[match[2]])
			return stamp.Append(program, match[1]), err
		})
	} else if match := editorFile.FindStringSubmatch(path); match != nil && match[1] == match[2] {
		data, err = m.once(path, func() ([]byte, error) { return m.editor(match[1], match[3]) })
	} else {
		return file{}, absent("there are stand-ins only for Linux releases of uv, micromamba and openvscode-server")
	}
	return file{content: data, mimeType: mimeType}, err
}

// uv returns uv's archive.
func (m *Mirror) uv(version, arch string) ([]byte, error) {
	program, err := m.program("uv", goArchitectures[arch])
	if err != nil {
		return nil, err
	}
	program = stamp.Append(program, version)
	top := "uv-" + arch + "-unknown-linux-gnu/"
	return tarGzip(map[string]condaFile{
		top + "uv":  {content: program, mode: 0o755},
		top + "uvx": {content: program, mode: 0o755},
	})
}

// program compiles one of the programs below this package.
func (m *Mirror) program(name, architecture string) ([]byte, error) {
	return m.once("program "+name+" "+architecture, func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "rtbuild-testmirror-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		out := filepath.Join(dir, name)
		// The compilation also serves later calls, so it must not end with the context of the first.
		if err := goBuild(context.Background(), architecture, out, "github.com/rtbuild/rtbuild/internal/testmirror/"+name); err != nil {
			return nil, err
		}
		return os.ReadFile(out)
	})
}
