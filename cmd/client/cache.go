package main

import (
	"fmt"
	"strings"

	"github.com/moby/buildkit/client"
	buildctl "github.com/moby/buildkit/cmd/buildctl/build"
	"github.com/spf13/cobra"
	"github.com/tonistiigi/go-csvvalue"
)

// cacheOptions are the flags that share the builder's cache with other builders, with buildx's names and meanings.
type cacheOptions struct{ from, to []string }

func (o *cacheOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&o.from, "cache-from", nil, "cache of another builder to use: REFERENCE, or type=registry|local|gha|s3|azblob,... (repeatable)")
	flags.StringArrayVar(&o.to, "cache-to", nil, "where to write the cache for other builders: REFERENCE, or type=registry|inline|local|gha|s3|azblob,... (repeatable)")
}

// caches are the caches that a build reads and writes.
type caches struct{ imports, exports []client.CacheOptionsEntry }

func (o *cacheOptions) read() (caches, error) {
	imports, err := parseCaches("--cache-from", o.from, buildctl.ParseImportCache)
	if err != nil {
		return caches{}, err
	}
	exports, err := parseCaches("--cache-to", o.to, buildctl.ParseExportCache)
	return caches{imports, exports}, err
}

// parseCaches reads one of the flags. As in buildx, a value without "=" is a list of references.
func parseCaches(flag string, values []string, parse func([]string) ([]client.CacheOptionsEntry, error)) ([]client.CacheOptionsEntry, error) {
	var all []client.CacheOptionsEntry
	for _, value := range values {
		entries := []string{value}
		if !strings.Contains(value, "=") {
			refs, err := csvvalue.Fields(value, nil)
			if err != nil {
				return nil, fmt.Errorf("invalid %s %q: %w", flag, value, err)
			}
			entries = entries[:0]
			for _, ref := range refs {
				entries = append(entries, "type=registry,ref="+ref)
			}
		}
		if !strings.Contains(entries[0], "type=") {
			return nil, fmt.Errorf("invalid %s %q: type= is missing, such as type=registry,ref=REFERENCE", flag, value)
		}
		parsed, err := parse(entries)
		if err != nil {
			return nil, fmt.Errorf("invalid %s %q: %w", flag, value, err)
		}
		all = append(all, parsed...)
	}
	return all, nil
}

// inline are the caches that travel in the image itself.
func (c caches) inline() []client.CacheOptionsEntry {
	var all []client.CacheOptionsEntry
	for _, e := range c.exports {
		if e.Type == "inline" {
			all = append(all, e)
		}
	}
	return all
}
