package gitindex

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing/format/index"
)

// limit is the size of the largest index that is read, in bytes: about a million files.
const limit = 256 << 20

// What an index has that go-git's decoder does not read; see gitformat-index(5).
const (
	checksum  = 20     // bytes at the end; all zero if git was told to skip them (index.skipHash)
	sparse    = "sdir" // an extension: directories may stand for their files. Those that are in the working tree are listed.
	split     = "link" // an extension: entries are in another file, too
	otherHash = "sha256"
)

var (
	errSplit = errors.New("it is split in two files: git update-index --no-split-index makes it one")
	errHash  = errors.New("the repository has SHA-256 for its object format, and rtbuild reads only that of SHA-1")
)

// read returns the entries of the index in a git directory. They are nil if nothing is tracked yet. The error is an [*UnreadableError].
func read(dir string) ([]*index.Entry, error) {
	entries, err := readEntries(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &UnreadableError{dir, err}
	}
	return entries, nil
}

func readEntries(dir string) ([]*index.Entry, error) {
	settings, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	if settings.Section("extensions").Option("objectformat") == otherHash {
		return nil, errHash
	}
	file, err := open(filepath.Join(dir, "index"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && len(data) > limit {
		err = fmt.Errorf("it has more than %d MB", limit>>20)
	}
	if err != nil {
		return nil, err
	}
	return decode(data)
}

// decode returns the entries of an index. go-git has read all of them when it meets an extension or a checksum that it does not take.
func decode(data []byte) ([]*index.Entry, error) {
	var all index.Index
	left := bytes.NewReader(data)
	buffer := bufio.NewReader(left) // the decoder takes it for its own, so it says how far the decoder came
	err := index.NewDecoder(buffer).Decode(&all)
	at := data[:len(data)-left.Len()-buffer.Buffered()]
	switch {
	case errors.Is(err, index.ErrInvalidChecksum) && bytes.HasSuffix(data, make([]byte, checksum)):
	case errors.Is(err, index.ErrUnknownExtension) && lastExtension(at) == sparse:
	case errors.Is(err, index.ErrUnknownExtension) && lastExtension(at) == split:
		return nil, errSplit
	case err != nil:
		return nil, fmt.Errorf("%w: git status tells whether the checkout is in order", err)
	}
	return all.Entries, nil
}

// lastExtension returns the name of the extension whose name and length, of four bytes each, end a part of an index.
func lastExtension(read []byte) string {
	if len(read) < 8 {
		return ""
	}
	return string(read[len(read)-8 : len(read)-4])
}
