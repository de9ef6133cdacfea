package tags

import (
	"context"
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/rtbuild/rtbuild/tags/contextfs"
)

// MaxLockFile is the size of the largest accepted lock file, in bytes. The largest in public projects have a few MiB.
const MaxLockFile = 64 << 20

// hashLocks returns the lock files as found, and the lock hash (section 4). The hash is one shortened MD5 over the base image
// as written, "False" if there is no browser, the lock files in their order, and the extra inputs, without separators.
func hashLocks(ctx context.Context, fsys fs.FS, in Inputs) (found []Entry, short string, err error) {
	sum := md5.New() //nolint:gosec // the scheme is the original's
	io.WriteString(sum, in.Base)
	if in.NoBrowser {
		io.WriteString(sum, "False")
	}
	found = make([]Entry, 0, len(in.LockFiles))
	for _, name := range in.LockFiles {
		file, err := findLock(fsys, name, in.LookIn)
		if err != nil {
			return nil, "", err
		}
		e, err := hashLock(ctx, sum, fsys, file)
		if err != nil {
			return nil, "", err
		}
		found = append(found, e)
	}
	extra, err := canonical(in.LockExtra)
	if err != nil {
		return nil, "", err
	}
	sum.Write(extra)
	short, err = shorten(hex.EncodeToString(sum.Sum(nil)))
	return found, short, err
}

// findLock returns the path of the first lock file that exists. It follows links: a broken link counts as absent, a
// directory as present. If the file is in none of the directories, the error names the last one.
func findLock(fsys fs.FS, name string, lookIn []string) (string, error) {
	if len(lookIn) == 0 {
		lookIn = []string{"."}
	}
	var file string
	for _, in := range lookIn {
		file = path.Join(in, name)
		for _, part := range strings.Split(file, "/") {
			if err := checkName(part); err != nil {
				return "", lockError(file, err)
			}
		}
		if !fs.ValidPath(file) {
			return "", &InputError{
				Input: "dependency file", Value: file, Err: errOutside,
				Fix: "give a path below the context, relative to it",
			}
		}
		_, err := fs.Stat(fsys, file)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", lockError(file, err)
		}
	}
	return "", lockError(file, fs.ErrNotExist)
}

// hashLock reads a lock file once, and adds it to the hash over all lock files and to its own digest.
func hashLock(ctx context.Context, all io.Writer, fsys fs.FS, file string) (Entry, error) {
	e := Entry{Path: file, Mode: 0o644}
	if err := ctx.Err(); err != nil {
		return e, err
	}
	f, err := fsys.Open(file)
	if err != nil {
		return e, lockError(file, err)
	}
	defer f.Close()
	if err := checkLock(f); err != nil {
		return e, lockError(file, err)
	}
	own := sha256.New()
	if e.Size, err = io.Copy(io.MultiWriter(all, own), io.LimitReader(f, MaxLockFile+1)); err != nil {
		return e, lockError(file, err)
	}
	if e.Size > MaxLockFile {
		return e, lockError(file, errTooLarge)
	}
	own.Sum(e.SHA256[:0])
	if c, ok := fsys.(*contextfs.FS); ok {
		if real, err := c.Real(file); err == nil && real != file {
			e.Real = real
		}
	}
	return e, nil
}

// checkLock refuses a lock file that is not a regular file or too large, before reading it.
func checkLock(f fs.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return syscall.EISDIR
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s", ErrKind, kindOf(info.Mode()))
	case info.Size() > MaxLockFile:
		return errTooLarge
	}
	return nil
}

var errTooLarge = fmt.Errorf("it is larger than %d MiB", MaxLockFile>>20)

func lockError(file string, err error) *PathError {
	e := &PathError{Role: "lock file", Path: file, Err: cause(err)}
	var kind *contextfs.KindError
	if errors.As(err, &kind) {
		e.Err = fmt.Errorf("%w: %s", ErrKind, kindOf(kind.Mode))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Fix = "create it with the package manager, or correct the list of dependency files"
	case errors.Is(err, ErrName):
		e.Fix = "rename it, or correct the list of dependency files"
	case errors.Is(err, fs.ErrPermission):
		e.Fix = "make it readable for this user"
	case errors.Is(err, errOutside):
		e.Fix = "copy what it points to into the context"
	default:
		e.Fix = fmt.Sprintf("replace it by the project's own %s", path.Base(file))
	}
	return e
}
