package e2e

import (
	"archive/tar"
	"bytes"
	"maps"
	"path"
	"slices"
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/rtbuild/rtbuild/internal/testenv"
)

// layerOf returns a layer with files of root.
func layerOf(t *testing.T, files map[string]string) testenv.Blob {
	t.Helper()
	return layerOwned(t, 0, files)
}

// layerOwned returns a layer with files and directories of a user and its group.
func layerOwned(t *testing.T, owner int, files map[string]string) testenv.Blob {
	t.Helper()
	var data bytes.Buffer
	archive := tar.NewWriter(&data)
	made := map[string]bool{".": true}
	var mkdir func(dir string)
	mkdir = func(dir string) {
		if made[dir] {
			return
		}
		mkdir(path.Dir(dir))
		made[dir] = true
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, Uid: owner, Gid: owner}); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		mkdir(path.Dir(name))
		content := files[name]
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Uid: owner, Gid: owner, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return testenv.BytesBlob(ocispecs.MediaTypeImageLayer, data.Bytes())
}
