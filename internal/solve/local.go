package solve

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/rtbuild/rtbuild/tags"
)

// Local is a local directory for a solve. It has an exact list of entries as they were hashed, since BuildKit's patterns cannot
// express which files the source hash covers. Owners and modes are normalised.
//
// Local hashes a file again while it sends it. If the file has changed, Local does not send its end, so that no builder takes it
// for complete, and closes Ended. The caller must then cancel the solve: fsutil's sender does not report a failure until the
// receiver requests another file.
type Local struct {
	root    *os.Root
	install Installation
	ended   chan struct{}

	mu      sync.Mutex
	stats   []*types.Stat // in fsutil's order
	files   map[string]tags.Entry
	changed *tags.ChangedError
}

// How a file can differ from the one that was hashed. A missing file is fs.ErrNotExist.
var (
	errContent = errors.New("its content is different")
	errKind    = errors.New("it is no longer a regular file")
)

// NewLocal returns a Local with entries of a directory, and with time stamps of the installation. Parent directories of entries are
// added. It is an [*fs.PathError] if dir cannot be opened.
func NewLocal(dir string, entries []tags.Entry, i Installation) (*Local, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	l := &Local{root: root, install: i, files: map[string]tags.Entry{}, ended: make(chan struct{})}
	l.Add(entries...)
	return l, nil
}

// Add adds entries. A builder whose transfer has begun may not see them.
func (l *Local) Add(entries ...tags.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range withParents(entries, l.listed()) {
		stat := &types.Stat{Path: e.Path, Mode: uint32(e.Mode), Linkname: e.Link}
		if e.Mode.IsRegular() {
			stat.Size, stat.ModTime = e.Size, l.install.modTime(e.SHA256).UnixNano()
			l.files[e.Path] = e
		}
		l.stats = append(l.stats, stat)
	}
	// fsutil requires the order of a walk, which compares names directory by directory.
	slices.SortFunc(l.stats, func(a, b *types.Stat) int {
		return strings.Compare(walkKey(a.Path), walkKey(b.Path))
	})
}

// listed returns the paths of the entries.
func (l *Local) listed() map[string]bool {
	seen := make(map[string]bool, len(l.stats))
	for _, stat := range l.stats {
		seen[stat.Path] = true
	}
	return seen
}

// withParents returns the entries that are not in seen, and their parent directories.
func withParents(entries []tags.Entry, seen map[string]bool) []tags.Entry {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e tags.Entry) bool {
		known := seen[e.Path]
		seen[e.Path] = true
		return known
	})
	for _, e := range entries {
		for dir := path.Dir(e.Path); dir != "." && !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			entries = append(entries, tags.Entry{Path: dir, Mode: fs.ModeDir | 0o755})
		}
	}
	return entries
}

func walkKey(p string) string { return strings.ReplaceAll(p, "/", "\x00") }

// Close closes the directory.
func (l *Local) Close() error { return l.root.Close() }

// Changed returns the first change that was found while sending, or nil.
func (l *Local) Changed() *tags.ChangedError {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// Ended is closed at the first change.
func (l *Local) Ended() <-chan struct{} { return l.ended }

// Has reports whether a file is listed.
func (l *Local) Has(p string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.files[p]
	return ok
}

// Walk implements fsutil.FS. As with filepath.WalkDir, fs.SkipDir skips a directory, or the rest of a file's directory.
func (l *Local) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	l.mu.Lock()
	stats := slices.Clone(l.stats)
	l.mu.Unlock()
	skipped := ""
	for _, stat := range stats {
		if err := ctx.Err(); err != nil {
			return err
		}
		if skipped != "" && strings.HasPrefix(stat.Path, skipped) {
			continue
		}
		if target != "" && target != "/" && stat.Path != target && !strings.HasPrefix(stat.Path, target+"/") {
			continue
		}
		stat := stat.CloneVT()
		switch err := fn(stat.Path, &fsutil.DirEntryInfo{Stat: stat}, nil); {
		case errors.Is(err, fs.SkipAll):
			return nil
		case errors.Is(err, fs.SkipDir) && fs.FileMode(stat.Mode).IsDir():
			skipped = stat.Path + "/"
		case errors.Is(err, fs.SkipDir):
			skipped = strings.TrimPrefix(path.Dir(stat.Path)+"/", "./")
			if skipped == "" {
				return nil
			}
		case err != nil:
			return err
		}
	}
	return nil
}

// Open implements fsutil.FS. It never returns an error: fsutil's sender would send an empty file (sender.sendFile). Errors come from
// Read instead.
func (l *Local) Open(p string) (io.ReadCloser, error) {
	l.mu.Lock()
	e, ok := l.files[strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(p)), "/")]
	l.mu.Unlock()
	if !ok {
		return io.NopCloser(failing{fmt.Errorf("%s was not listed", p)}), nil
	}
	f, err := l.open(e.Content())
	if err != nil {
		return io.NopCloser(failing{l.fail(e.Path, err)}), nil
	}
	return &verified{Closer: f, file: io.LimitReader(f, e.Size+1), entry: e, sum: sha256.New(), fail: l.fail}, nil
}

// open opens a regular file. A directory in its path may have become a link, which os.Root follows within its root. The hash of the
// content detects that.
func (l *Local) open(name string) (*os.File, error) {
	name = filepath.FromSlash(name)
	before, err := l.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errKind
	}
	f, err := l.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe may have replaced it
	if err != nil {
		return nil, err
	}
	if now, err := f.Stat(); err != nil || !os.SameFile(before, now) {
		_ = f.Close()
		return nil, errors.Join(errKind, err)
	}
	return f, nil
}

// fail records the first change, and returns the change as an error.
func (l *Local) fail(p string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // ChangedError names the path
	}
	changed := &tags.ChangedError{Path: p, Err: err}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = changed
		close(l.ended)
	}
	return changed
}

// failing is a file that cannot be read.
type failing struct{ err error }

// Read implements io.Reader.
func (f failing) Read([]byte) (int, error) { return 0, f.err }

// verified reads a file that must have the content of an entry. If it has not, Read returns an error instead of io.EOF.
type verified struct {
	io.Closer
	file  io.Reader // at most one byte longer than the entry
	entry tags.Entry
	sum   hash.Hash
	size  int64
	fail  func(path string, err error) error
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	n, err := v.file.Read(p)
	v.sum.Write(p[:n])
	v.size += int64(n)
	switch {
	case v.size > v.entry.Size, err == io.EOF && !v.same():
		return 0, v.fail(v.entry.Path, errContent)
	case err != nil && err != io.EOF:
		return 0, v.fail(v.entry.Path, err)
	}
	return n, err
}

func (v *verified) same() bool {
	return v.size == v.entry.Size && [sha256.Size]byte(v.sum.Sum(nil)) == v.entry.SHA256
}
