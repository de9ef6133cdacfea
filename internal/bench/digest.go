package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rtbuild/rtbuild/tags"
)

// treeFiles and treeFileSize describe the source of a large agent.
const (
	treeFiles    = 20_000
	treeFileSize = 4096
)

// debianPython is Debian's own interpreter, which finds Debian's packages.
const debianPython = "/usr/bin/python3"

// dirhash computes the source's digest as the original does.
const dirhash = `import sys
from dirhash import dirhash
print(dirhash(sys.argv[1], "md5", ignore=[".*/", "__pycache__/", "*.pyc"]))`

// measureTags compares the client's tags command with the original's computation of the digest alone.
func measureTags(ctx context.Context, b *bench) ([]row, error) {
	dir, err := b.makeTree()
	if err != nil {
		return nil, err
	}
	var names tags.Set
	ours := contender{"rtbuild-client tags", func(ctx context.Context) (s sample, err error) {
		var out string
		if s.wall, out, err = b.process(ctx, "", b.binaries.Client, "tags", "--format", "json", dir); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(out), &names)
	}}
	var digest string
	theirs := contender{"dirhash", func(ctx context.Context) (s sample, err error) {
		s.wall, digest, err = b.process(ctx, "", debianPython, "-c", dirhash, filepath.Join(dir, "openhands"))
		return s, err
	}}
	if _, err := ours.run(ctx); err != nil { // not counted: it loads the tree into the page cache
		return nil, err
	}
	all, err := b.inTurns(ctx, b.runs, ours, theirs)
	if err != nil {
		return nil, err
	}
	if want := "_" + shorten(strings.TrimSpace(digest)); !strings.HasSuffix(names.Source, want) {
		return nil, fmt.Errorf("the source tag is %s, but dirhash gives %s", names.Source, want)
	}
	const what = "tags of 20,000 files of 4 KiB: python3-dirhash, same digest"
	return []row{below(1.0/3, "0.33").compare(what, each(all[0], wall), each(all[1], wall))}, nil
}

// makeTree creates a project of profile openhands, whose source has the same digest in the original.
func (b *bench) makeTree() (string, error) {
	dir := filepath.Join(b.dir, "tree")
	files := map[string]string{
		"pyproject.toml":        "[tool.poetry]\nname = \"openhands-ai\"\nversion = \"1.0.0\"\n",
		"poetry.lock":           "# nothing\n",
		"openhands/__init__.py": "",
	}
	for i := range treeFiles - 1 {
		files[fmt.Sprintf("openhands/d%03d/f%05d.py", i/100, i)] = fmt.Sprintf("%*d", treeFileSize, i)
	}
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return "", err
		}
		if err := writeSource(file, content); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// shorten shortens a digest for a tag, as the original does: 16 digits in base 36, least significant first.
func shorten(md5 string) string {
	n, ok := new(big.Int).SetString(md5, 16)
	if !ok {
		return md5
	}
	digits := []byte(n.Text(36))
	slices.Reverse(digits)
	return string(digits[:min(len(digits), 16)])
}
