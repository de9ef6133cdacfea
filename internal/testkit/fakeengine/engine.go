// Package fakeengine serves the part of a Docker engine's API that reads and writes the names of images, as moby answers it. The tests of
// packages that use an engine's store need no engine, and can make it fail.
package fakeengine

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Engine is a fake engine with names and images. Call Close to stop it.
type Engine struct {
	*client.Client

	// Fault answers a request in the engine's place if it returns true. It may also change the store.
	Fault func(w http.ResponseWriter, r *http.Request) bool

	server *httptest.Server
	mu     sync.Mutex
	names  map[string]stored
}

// stored is an image or an index.
type stored struct {
	digest    digest.Digest
	manifests []image.ManifestSummary
}

// Start returns an engine without images.
func Start() (*Engine, error) {
	e := &Engine{names: map[string]stored{}}
	e.server = httptest.NewServer(http.HandlerFunc(e.serve))
	var err error
	e.Client, err = client.New(client.WithHost(strings.Replace(e.server.URL, "http", "tcp", 1)), client.WithAPIVersion("1.52"))
	return e, err
}

// Close stops the engine.
func (e *Engine) Close() error {
	e.server.Close()
	return e.Client.Close()
}

// Put points a name to an image for one platform, with a content.
func (e *Engine) Put(name, platform, content string) digest.Digest {
	m := image.ManifestSummary{Kind: image.ManifestKindImage, Available: true, ImageData: &image.ImageProperties{Platform: platforms.MustParse(platform)}}
	m.Descriptor = ocispecs.Descriptor{MediaType: ocispecs.MediaTypeImageManifest, Digest: digest.FromString(platform + content), Size: 1}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.names[full(name)] = stored{m.Descriptor.Digest, []image.ManifestSummary{m}}
	return m.Descriptor.Digest
}

// Names returns what each name holds: "NAME PLATFORM...", sorted, without docker.io/library/.
func (e *Engine) Names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []string
	for name, held := range e.names {
		var of []string
		for _, m := range held.manifests {
			of = append(of, platforms.Format(m.ImageData.Platform))
		}
		slices.Sort(of)
		all = append(all, strings.TrimPrefix(name, "docker.io/library/")+" "+strings.Join(of, " "))
	}
	slices.Sort(all)
	return all
}

// Fail answers as moby does if a load fails: the status is 200, and the error is in the stream.
func Fail(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/json")
	text, _ := json.Marshal(message)
	_, _ = w.Write([]byte(`{"errorDetail":{"message":` + string(text) + `},"error":` + string(text) + "}\r\n"))
}

// Refuse answers with a status, as moby does.
func Refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

var (
	inspects = regexp.MustCompile(`^/v[0-9.]+/images/(.+)/json$`)
	tags     = regexp.MustCompile(`^/v[0-9.]+/images/(.+)/tag$`)
	removes  = regexp.MustCompile(`^/v[0-9.]+/images/(.+)$`)
)

func (e *Engine) serve(w http.ResponseWriter, r *http.Request) {
	if e.Fault != nil && e.Fault(w, r) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	path := r.URL.Path
	switch {
	case strings.HasSuffix(path, "/images/load"):
		e.load(w, r.Body)
	case r.Method == http.MethodGet && inspects.MatchString(path):
		e.inspect(w, inspects.FindStringSubmatch(path)[1])
	case r.Method == http.MethodPost && tags.MatchString(path):
		e.tag(w, tags.FindStringSubmatch(path)[1], r.FormValue("repo")+":"+r.FormValue("tag"))
	case r.Method == http.MethodDelete:
		e.remove(w, removes.FindStringSubmatch(path)[1])
	default:
		Refuse(w, http.StatusNotFound, "page not found")
	}
}

func full(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.TagNameOnly(named).String()
}

// find answers that there is no such image.
func (e *Engine) find(w http.ResponseWriter, name string) (stored, bool) {
	held, ok := e.names[full(name)]
	if !ok {
		Refuse(w, http.StatusNotFound, "No such image: "+name)
	}
	return held, ok
}

func (e *Engine) inspect(w http.ResponseWriter, name string) {
	held, ok := e.find(w, name)
	if !ok {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(image.InspectResponse{
		ID: held.digest.String(), Descriptor: &ocispecs.Descriptor{Digest: held.digest}, Manifests: held.manifests,
	})
}

func (e *Engine) tag(w http.ResponseWriter, from, to string) {
	if held, ok := e.find(w, from); ok {
		e.names[full(to)] = held
		w.WriteHeader(http.StatusCreated)
	}
}

func (e *Engine) remove(w http.ResponseWriter, name string) {
	if _, ok := e.find(w, name); ok {
		delete(e.names, full(name))
		_, _ = w.Write([]byte("[]"))
	}
}

// load reads an OCI layout with an index under a name.
func (e *Engine) load(w http.ResponseWriter, body io.Reader) {
	files, err := untar(body)
	var top, index ocispecs.Index
	if err == nil {
		err = json.Unmarshal(files[ocispecs.ImageIndexFile], &top)
	}
	if err == nil {
		err = json.Unmarshal(files[ocispecs.ImageBlobsDir+"/sha256/"+top.Manifests[0].Digest.Encoded()], &index)
	}
	if err != nil {
		Fail(w, err.Error())
		return
	}
	held := stored{digest: top.Manifests[0].Digest}
	for _, d := range index.Manifests {
		held.manifests = append(held.manifests, e.manifest(d.Digest))
	}
	name := top.Manifests[0].Annotations["io.containerd.image.name"]
	e.names[name] = held
	_, _ = w.Write([]byte(`{"stream":"Loaded image: ` + name + `\n"}` + "\r\n"))
}

// manifest returns a manifest that a name holds.
func (e *Engine) manifest(of digest.Digest) image.ManifestSummary {
	for _, held := range e.names {
		for _, m := range held.manifests {
			if m.Descriptor.Digest == of {
				return m
			}
		}
	}
	return image.ManifestSummary{}
}

func untar(body io.Reader) (map[string][]byte, error) {
	files := map[string][]byte{}
	for archive := tar.NewReader(body); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[header.Name], err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}
