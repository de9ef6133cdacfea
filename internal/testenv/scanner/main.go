// Command scanner is an SBOM scanner for tests, which cannot reach a registry with a real one. It lists the files of a build. The
// protocol is https://docs.docker.com/build/metadata/attestations/sbom-protocol/.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	source, extras := os.Getenv("BUILDKIT_SCAN_SOURCE"), os.Getenv("BUILDKIT_SCAN_SOURCE_EXTRAS")
	if err := run(source, extras, os.Getenv("BUILDKIT_SCAN_DESTINATION")); err != nil {
		fmt.Fprintln(os.Stderr, "scanner:", err)
		os.Exit(1)
	}
}

// run writes an SBOM of source, and one of each directory in extras, into destination. extras may be missing.
func run(source, extras, destination string) error {
	if source == "" || destination == "" {
		return errors.New("BUILDKIT_SCAN_SOURCE and BUILDKIT_SCAN_DESTINATION are not set: run it as a generator of BuildKit's")
	}
	sources := []string{source}
	if extras != "" {
		entries, err := os.ReadDir(extras)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("listing further directories to scan: %w", err)
		}
		for _, entry := range entries {
			sources = append(sources, filepath.Join(extras, entry.Name()))
		}
	}
	for _, dir := range sources {
		if err := write(dir, destination); err != nil {
			return fmt.Errorf("scanning %s: %w", dir, err)
		}
	}
	return nil
}

// write writes the SBOM of a directory into destination, under the directory's name.
func write(dir, destination string) error {
	document, err := scan(dir)
	if err != nil {
		return err
	}
	data, err := json.Marshal(statement{
		Type: "https://in-toto.io/Statement/v0.1", PredicateType: "https://spdx.dev/Document", Predicate: document,
	})
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(destination, filepath.Base(dir)+".spdx.json"))
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return cmp.Or(err, file.Close())
}
