package tags

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"strconv"
)

// depsVersion is the first field of every deps digest. Change it when the fields change.
const depsVersion = "rtbuild deps 1"

// depsDigest returns "sha256:..." over everything that a deps image is made from: the base's full name, the path and content
// of each lock file, and the other inputs. The lock hash concatenates its texts without separators, so different inputs can
// share one. Here, each field is preceded by its length and the lock files by their number, so the digest is unambiguous.
func depsDigest(in Inputs, locks []Entry) (string, error) {
	base, err := FullName(in.Base)
	if err != nil {
		return "", err
	}
	extra, err := canonical(in.LockExtra)
	if err != nil {
		return "", err
	}
	unnamed, err := canonical(in.DepsExtra)
	if err != nil {
		return "", err
	}
	sum := fieldHash{sha256.New()}
	sum.add(depsVersion, base, strconv.Itoa(len(locks)))
	for _, lock := range locks {
		sum.add(lock.Path, hex.EncodeToString(lock.SHA256[:]))
	}
	sum.add(strconv.FormatBool(in.NoBrowser), string(extra), string(unnamed))
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// fieldHash hashes fields unambiguously.
type fieldHash struct{ hash.Hash }

// add hashes fields, each after its length (8 bytes, big-endian).
func (h fieldHash) add(fields ...string) {
	for _, field := range fields {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(field))))
		io.WriteString(h, field)
	}
}
