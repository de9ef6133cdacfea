package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// statement is an in-toto statement. BuildKit adds the subject.
type statement struct {
	Type          string   `json:"_type"`
	PredicateType string   `json:"predicateType"`
	Subject       []string `json:"subject"`
	Predicate     document `json:"predicate"`
}

// document holds the fields of SPDX 2.3 for a list of files: https://spdx.github.io/spdx-spec/v2.3/.
type document struct {
	Version     string   `json:"spdxVersion"`
	DataLicense string   `json:"dataLicense"`
	ID          string   `json:"SPDXID"`
	Name        string   `json:"name"`
	Namespace   string   `json:"documentNamespace"`
	Creation    creation `json:"creationInfo"`
	Files       []file   `json:"files"`
}

type creation struct {
	Creators []string `json:"creators"`
	Created  string   `json:"created"`
}

type file struct {
	Name      string     `json:"fileName"`
	ID        string     `json:"SPDXID"`
	Checksums []checksum `json:"checksums"`
	Copyright string     `json:"copyrightText"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

// scan returns a document with the regular files below dir.
func scan(dir string) (document, error) {
	name := filepath.Base(dir)
	found := document{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: name,
		Namespace: "https://example.com/rtbuild-test-scanner/" + name,
		Creation: creation{
			Creators: []string{"Tool: rtbuild-test-scanner"},
			Created:  time.Now().UTC().Format(time.RFC3339),
		},
		Files: []file{},
	}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		sums, err := checksums(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		found.Files = append(found.Files, file{
			Name: filepath.ToSlash(relative), ID: fmt.Sprintf("SPDXRef-File-%d", len(found.Files)), Checksums: sums, Copyright: "NOASSERTION",
		})
		return err
	})
	return found, err
}

func checksums(path string) ([]checksum, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	old, sum := sha1.New(), sha256.New()
	if _, err := io.Copy(io.MultiWriter(old, sum), in); err != nil {
		return nil, err
	}
	return []checksum{
		{"SHA1", hex.EncodeToString(old.Sum(nil))},
		{"SHA256", hex.EncodeToString(sum.Sum(nil))},
	}, nil
}
