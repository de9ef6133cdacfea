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
	"strconv"
	"syscall"
	"time"
)

// Installation is rtbuild as one user has it on one machine. A builder keeps a copy of every directory that it was given,
// and compares sizes and time stamps to learn what has changed. An installation names these copies, and makes the time stamps
// from contents: so two machines never update one copy, and no edit hides behind an equal size and time.
type Installation struct {
	secret []byte
}

// installationFile is the file below the user's state directory that holds the secret.
const installationFile = "installation"

// OpenInstallation reads the installation's secret from a directory, and makes it if there is none. A directory that cannot
// be used, or none (""), is no error: the installation is then new each time, so that builders get every file anew.
func OpenInstallation(dir string) Installation {
	if dir != "" {
		file := filepath.Join(dir, installationFile)
		secret, err := readSecret(file)
		if err != nil {
			secret, err = makeSecret(file, errors.Is(err, errUnusable))
		}
		if err == nil {
			return Installation{secret}
		}
	}
	return Installation{newSecret()}
}

// errUnusable is a secret that a crash has cut off, or that others may read.
var errUnusable = errors.New("it is no secret")

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
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() != int64(len(newSecret())) {
		return nil, errUnusable
	}
	return io.ReadAll(f)
}

func newSecret() []byte { return []byte(rand.Text() + rand.Text()) }

// makeSecret writes a new secret, whole or not at all. Of two processes that do so at once, the first wins, unless it replaces one
// that is unusable.
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

// SharedKey names a directory of this machine and user to a builder. It does not tell them.
func (i Installation) SharedKey(dir string) string {
	host, _ := os.Hostname() // a home directory may be that of several machines
	return "rtbuild:" + hex.EncodeToString(i.sum("shared key", host, strconv.Itoa(os.Getuid()), dir))
}

// Time stamps lie between 1987 and 2021: archives cannot hold those before 1980, and some programs warn of those to come.
const (
	firstTime = 1 << 29
	timeBits  = 30
)

// modTime is the time stamp of a file with a content. It is made with the secret: whoever can choose two contents cannot
// look for two that have one time stamp.
func (i Installation) modTime(content [sha256.Size]byte) time.Time {
	sum := i.sum("time", string(content[:]))
	seconds := binary.BigEndian.Uint64(sum) >> (64 - timeBits)
	nanoseconds := binary.BigEndian.Uint64(sum[8:]) % uint64(time.Second)
	return time.Unix(firstTime+int64(seconds), int64(nanoseconds))
}

// sum is a keyed digest of fields.
func (i Installation) sum(fields ...string) []byte {
	mac := hmac.New(sha256.New, i.secret)
	for _, field := range fields {
		fmt.Fprintf(mac, "%d:%s", len(field), field)
	}
	return mac.Sum(nil)
}
