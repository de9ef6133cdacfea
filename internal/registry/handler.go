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
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the one driver that we need
)

// uploadsKept is how long an upload is kept that was not finished: its client may come back.
const uploadsKept = 24 * time.Hour

// Handler returns the embedded registry: distribution's, on a directory that it makes if need be. It lives until the
// context ends, and reports to nobody. It removes unfinished uploads that are old. It logs each request to logrus's standard
// logger. That logger belongs to the process, so the process that serves sets its level.
func Handler(ctx context.Context, root string) (_ http.Handler, err error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("making the registry's directory: %w", err)
	}
	if err := sweepUploads(root, time.Now().Add(-uploadsKept)); err != nil {
		return nil, fmt.Errorf("removing old uploads from the registry: %w", err)
	}
	defer func() {
		if problem := recover(); problem != nil { // distribution's way to say that a configuration does not work
			err = fmt.Errorf("starting the registry on %s: %v", root, problem)
		}
	}()
	conf := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": root},
			"delete":     {"enabled": true},
			"cache":      {"blobdescriptor": "inmemory"},
			// Its own sweep comes first after up to an hour, and logs past the context.
			"maintenance": {"uploadpurging": map[any]any{"enabled": false}},
		},
	}
	conf.Catalog.MaxEntries = 1000
	conf.HTTP.RelativeURLs = true // it is reached by several names
	return handlers.NewApp(ctx, conf), nil
}

// sweepUploads removes uploads that were last touched before a time.
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
