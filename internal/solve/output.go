package solve

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/tonistiigi/go-csvvalue"

	"github.com/rtbuild/rtbuild/internal/options"
)

// Export is an export of a solve. Call Commit after a successful solve and Abort otherwise: an output file gets its name only with
// Commit, so that a failed solve leaves an older file unchanged.
type Export struct {
	client.ExportEntry
	kind   string // the user's name for the type, if it differs from BuildKit's exporter
	stdout bool
	loads  bool // into the Docker engine
	commit func() error
	abort  func()
}

// Kind returns the type of the export as the user names it.
func (e Export) Kind() string { return cmp.Or(e.kind, e.Type) }

// Commit gives an output file its name.
func (e Export) Commit() error {
	if e.commit == nil {
		return nil
	}
	return e.commit()
}

// Abort removes an output file. After Commit it does nothing.
func (e Export) Abort() {
	if e.abort != nil {
		e.abort()
	}
}

// IsNamed reports whether the export is an image, which can have a name.
func (e Export) IsNamed() bool {
	return e.IsImage() || e.Type == client.ExporterOCI || e.Type == client.ExporterDocker
}

// ToStdout reports whether the export is written to standard output.
func (e Export) ToStdout() bool { return e.stdout }

// IsImage reports whether the export goes to the builder's image store or to a registry.
func (e Export) IsImage() bool { return e.Type == client.ExporterImage }

// ImageExport returns an export that stores the image in the builder under names, and pushes it if push is true.
func ImageExport(push bool, names ...string) Export {
	return Export{ExportEntry: client.ExportEntry{Type: client.ExporterImage, Attrs: map[string]string{
		"name": strings.Join(names, ","), "push": strconv.FormatBool(push),
	}}}
}

// StoreExport returns an export that puts the image under names into the store of the Docker engine that has the builder, ready to run. The
// names must be full references: BuildKit takes them as they are.
func StoreExport(names ...string) Export {
	e := ImageExport(false, names...)
	e.Attrs["unpack"] = "true"
	return e
}

// DigestExport returns an export that pushes the image to a repository by its digest, without a tag.
func DigestExport(repository string) Export {
	e := ImageExport(true, repository)
	e.Attrs["push-by-digest"] = "true"
	e.Attrs["store"] = "false" // a builder with an image store would fetch all layers into it
	return e
}

// entry returns the export for BuildKit. It sets attributes whose defaults differ between versions of BuildKit: OCI's media types,
// and attestations as OCI artifacts, which Docker's media types do not support.
func (e Export) entry(annotations map[string]string) client.ExportEntry {
	entry := e.ExportEntry
	if !e.IsNamed() {
		return entry
	}
	entry.Attrs = map[string]string{"oci-mediatypes": "true"}
	maps.Copy(entry.Attrs, e.Attrs)
	if oci, _ := strconv.ParseBool(entry.Attrs["oci-mediatypes"]); oci && entry.Attrs["oci-artifact"] == "" {
		entry.Attrs["oci-artifact"] = "true"
	}
	if e.Type != client.ExporterDocker {
		maps.Copy(entry.Attrs, annotations)
	}
	return entry
}

// ParseOutput parses one --output as buildx does: "type=oci,dest=image.tar", a directory, or "-" for a tar on standard output. It
// creates no files. The error is an *options.Error.
func ParseOutput(s string) (Export, error) {
	e, err := parseOutput(s)
	if err != nil {
		return Export{}, options.Flags.Invalid(options.Output, s, err)
	}
	return e, nil
}

func parseOutput(s string) (Export, error) {
	fields, err := csvvalue.Fields(s, nil)
	if err != nil {
		return Export{}, err
	}
	if len(fields) == 1 && !strings.Contains(s, "=") {
		if s == "-" {
			return export(client.ExporterTar, map[string]string{}, "-")
		}
		return export(client.ExporterLocal, map[string]string{}, s)
	}
	attrs := map[string]string{}
	for _, field := range fields {
		key, value, ok := strings.Cut(field, "=")
		if !ok {
			return Export{}, fmt.Errorf("%q must be KEY=VALUE", field)
		}
		attrs[strings.ToLower(strings.TrimSpace(key))] = value
	}
	kind, dest := attrs["type"], attrs["dest"]
	delete(attrs, "type")
	delete(attrs, "dest")
	return export(kind, attrs, dest)
}

// export returns the export for a type, attributes and a destination.
func export(kind string, attrs map[string]string, dest string) (Export, error) {
	entry := Export{ExportEntry: client.ExportEntry{Type: kind, Attrs: attrs}}
	switch kind {
	case "registry":
		entry.Type = client.ExporterImage
		attrs["push"] = "true"
		fallthrough
	case client.ExporterImage:
		if dest != "" {
			return entry, fmt.Errorf("type=%s takes name=, not dest=", kind)
		}
		if given, ok := attrs["push"]; ok { // BuildKit takes every form of true
			push, err := strconv.ParseBool(given)
			if err != nil {
				return entry, fmt.Errorf("push=%s must be true or false", given)
			}
			attrs["push"] = strconv.FormatBool(push)
		}
		return entry, nil
	case client.ExporterLocal:
		if dest == "" {
			return entry, errors.New("type=local needs dest=DIRECTORY")
		}
		return directoryExport(dest, attrs), nil
	case client.ExporterOCI, client.ExporterDocker, client.ExporterTar:
		return toFile(entry, dest)
	case "":
		return entry, errors.New("type= is missing; it must be image, registry, oci, docker, local or tar")
	}
	return entry, fmt.Errorf("type= must be image, registry, oci, docker, local or tar, not %q", kind)
}

func toFile(entry Export, dest string) (Export, error) {
	if tar, err := strconv.ParseBool(entry.Attrs["tar"]); err == nil && !tar {
		if dest == "" {
			return entry, errors.New("tar=false needs dest=DIRECTORY")
		}
		entry.OutputDir = dest
		return entry, nil
	}
	if dest == "" || dest == "-" {
		if fi, err := os.Stdout.Stat(); err == nil && fi.Mode()&os.ModeCharDevice != 0 {
			return entry, fmt.Errorf("type=%s needs dest=FILE: it is not written to a terminal", entry.Type)
		}
		entry.stdout = true
		entry.Output = func(map[string]string) (io.WriteCloser, error) { return keepOpen{os.Stdout}, nil }
		return entry, nil
	}
	if fi, err := os.Stat(dest); err == nil && fi.IsDir() {
		return entry, fmt.Errorf("dest=%s is a directory, and type=%s writes a file", dest, entry.Type)
	}
	file := &pendingFile{dest: dest}
	entry.Output, entry.commit, entry.abort = file.open, file.commit, file.abort
	return entry, nil
}

// keepOpen is standard output, which Close must not close.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

// errNotWritten is the error of Commit if the solve wrote no file.
var errNotWritten = errors.New("nothing was written")

// pendingFile is an output file with a temporary name. It may be aborted while it is being written.
type pendingFile struct {
	dest string

	mu   sync.Mutex
	temp string // the temporary name; empty before open, and after commit or abort
}

func (p *pendingFile) open(map[string]string) (io.WriteCloser, error) {
	f, err := os.CreateTemp(filepath.Dir(p.dest), "."+filepath.Base(p.dest)+".*")
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.temp = f.Name()
	return f, f.Chmod(0o644) // CreateTemp uses 0600
}

func (p *pendingFile) commit() error {
	temp := p.claim()
	if temp == "" {
		return fmt.Errorf("%s: %w", p.dest, errNotWritten)
	}
	return os.Rename(temp, p.dest)
}

func (p *pendingFile) abort() {
	if temp := p.claim(); temp != "" {
		_ = os.Remove(temp)
	}
}

// claim returns the temporary name, and empties it so that only one caller gets it.
func (p *pendingFile) claim() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	temp := p.temp
	p.temp = ""
	return temp
}
