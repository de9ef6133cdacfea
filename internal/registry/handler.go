package registry

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // registers the storage driver
)

// uploadsKept is how long an unfinished upload is kept: its client may resume it.
const uploadsKept = 24 * time.Hour

// Handler returns a registry: distribution's, on a directory that it makes if there is none. It runs until the context ends,
// and removes old unfinished uploads when it starts. It logs each request to logrus's standard logger. That logger belongs to
// the process, so the process sets its level.
func Handler(ctx context.Context, root string) (_ http.Handler, err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("making the registry's directory: %w", err)
	}
	if err := sweepUploads(root, time.Now().Add(-uploadsKept)); err != nil {
		return nil, fmt.Errorf("removing old uploads from the registry: %w", err)
	}
	defer func() {
		if problem := recover(); problem != nil { // distribution panics if it cannot use a configuration
			err = fmt.Errorf("starting the registry on %s: %v", root, problem)
		}
	}()
	conf := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": root},
			"delete":     {"enabled": true},
			"cache":      {"blobdescriptor": "inmemory"},
			// distribution's own purge starts up to an hour late.
			"maintenance": {"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	conf.Catalog.MaxEntries = 1000
	conf.HTTP.RelativeURLs = true // clients reach it under several names
	return handlers.NewApp(ctx, conf), nil
}

// sweepUploads removes uploads that were last modified before a time.
func sweepUploads(root string, before time.Time) error {
	repositories := filepath.Join(root, "docker", "registry", "v2", "repositories")
	return filepath.WalkDir(repositories, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		case entry.Name() == "_layers" || entry.Name() == "_manifests":
			return fs.SkipDir
		case filepath.Base(filepath.Dir(path)) != "_uploads" || !entry.IsDir():
			return nil
		}
		if info, err := os.Stat(filepath.Join(path, "data")); err == nil && info.ModTime().After(before) {
			return fs.SkipDir
		}
		if info, err := entry.Info(); err != nil || info.ModTime().After(before) {
			return fs.SkipDir
		}
		if err := os.RemoveAll(path); err != nil { //nolint:gosec // below the registry's own directory
			return err
		}
		return fs.SkipDir
	})
}
