package solve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// Installation identifies one user's rtbuild on one machine to builders. A builder keeps a copy of every local directory, and
// compares sizes and time stamps to find changes. An Installation names these copies, so that two machines never update the same
// one. It derives the time stamps from the content, so that every change of a file is found.
type Installation struct {
	secret []byte
}

// installationFile is the file with the secret, in the user's state directory.
const installationFile = "installation"

// OpenInstallation reads the installation's secret from a directory, and makes one if needed. If the directory is "" or cannot be
// used, it returns a new installation: builders then receive every file again.
func OpenInstallation(dir string) Installation {
	if dir != "" {
		file := filepath.Join(dir, installationFile)
		secret, err := readSecret(file)
		if err != nil {
			secret, err = makeSecret(file, errors.Is(err, errInvalidSecret))
		}
		if err == nil {
			return Installation{secret}
		}
	}
	return Installation{newSecret()}
}

// errInvalidSecret means that a secret was cut off by a crash, or that other users can read it.
var errInvalidSecret = errors.New("not a valid secret")

func readSecret(file string) ([]byte, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || readableByOthers(info, runtime.GOOS) || info.Size() != int64(len(newSecret())) {
		return nil, errInvalidSecret
	}
	return io.ReadAll(f)
}

// readableByOthers reports whether a file's mode lets other users read it. Windows has no such bits: the user's profile directory
// keeps others out.
func readableByOthers(info fs.FileInfo, system string) bool {
	return system != "windows" && info.Mode().Perm()&0o077 != 0
}

func newSecret() []byte { return []byte(rand.Text() + rand.Text()) }

// makeSecret writes a new secret atomically. If two processes do so at once, both get the first one's, unless they replace an
// invalid secret.
func makeSecret(file string, replace bool) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), "."+installationFile+"-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(newSecret())
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return nil, err
	}
	if replace {
		err = os.Rename(temp.Name(), file)
	} else if err = os.Link(temp.Name(), file); errors.Is(err, fs.ErrExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return readSecret(file)
}

// SharedKey returns a builder's name for the copy of a directory. It depends on the machine, the user and the directory, but does
// not reveal them.
func (i Installation) SharedKey(dir string) string {
	host, _ := os.Hostname() // several machines may share a home directory
	return "rtbuild:" + hex.EncodeToString(i.sum("shared key", host, strconv.Itoa(os.Getuid()), dir))
}

// Time stamps are between 1987 and 2021: archives cannot store those before 1980, and some programs warn about those in the future.
const (
	firstTime = 1 << 29
	timeBits  = 30
)

// modTime returns the time stamp for a content. It depends on the secret, so that nobody can search for two contents with the same
// time stamp.
func (i Installation) modTime(content [sha256.Size]byte) time.Time {
	sum := i.sum("time", string(content[:]))
	seconds := binary.BigEndian.Uint64(sum) >> (64 - timeBits)
	nanoseconds := binary.BigEndian.Uint64(sum[8:]) % uint64(time.Second)
	return time.Unix(firstTime+int64(seconds), int64(nanoseconds))
}

// sum returns a keyed digest of fields.
func (i Installation) sum(fields ...string) []byte {
	mac := hmac.New(sha256.New, i.secret)
	for _, field := range fields {
		fmt.Fprintf(mac, "%d:%s", len(field), field)
	}
	return mac.Sum(nil)
}
