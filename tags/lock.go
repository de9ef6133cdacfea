package tags

import (
	"context"
	"crypto/md5" //nolint:gosec // the scheme is the original's
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// hashLocks is section 4: one MD5 over the base image as written, the browser's "False", the lock files in their order
// and the extra inputs, with nothing in between; shortened. It also gives the paths at which the lock files were found.
func hashLocks(ctx context.Context, fsys fs.FS, in Inputs) (found []string, short string, err error) {
	sum := md5.New() //nolint:gosec // the scheme is the original's
	io.WriteString(sum, in.Base)
	if in.NoBrowser {
		io.WriteString(sum, "False")
	}
	found = make([]string, 0, len(in.LockFiles))
	for _, name := range in.LockFiles {
		file, err := findLock(fsys, name, in.LookIn)
		if err == nil {
			err = copyFile(ctx, sum, fsys, file)
		}
		if err != nil {
			return nil, "", err
		}
		found = append(found, file)
	}
	extra, err := canonical(in.LockExtra)
	if err != nil {
		return nil, "", err
	}
	sum.Write(extra)
	short, err = shorten(hex.EncodeToString(sum.Sum(nil)))
	return found, short, err
}

// findLock gives the path of a lock file: the first that is there, links followed, so that a broken link counts as
// absent and a directory as present. Absent everywhere, the error names the last place.
func findLock(fsys fs.FS, name string, lookIn []string) (string, error) {
	if len(lookIn) == 0 {
		lookIn = []string{"."}
	}
	var file string
	for _, in := range lookIn {
		file = path.Join(in, name)
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

func copyFile(ctx context.Context, w io.Writer, fsys fs.FS, file string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := fsys.Open(file)
	if err != nil {
		return lockError(file, err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return lockError(file, err)
	}
	return nil
}

func lockError(file string, err error) *PathError {
	e := &PathError{Role: "lock file", Path: file, Err: cause(err)}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Fix = "let the package manager write it, or correct the list of dependency files"
	case errors.Is(err, fs.ErrPermission):
		e.Fix = "make it readable for this user"
	default:
		e.Fix = fmt.Sprintf("put a file there that is the project's own %s", path.Base(file))
	}
	return e
}
