package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// What is read at most, in bytes: registries accept manifests of 4 MiB, and configs have no limit.
const (
	maxManifest = 4 << 20
	maxConfig   = 8 << 20
)

// Docker's media types, which registries still serve beside OCI's.
const (
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

var (
	indexTypes      = []string{ocispecs.MediaTypeImageIndex, dockerIndex}
	imageTypes      = []string{ocispecs.MediaTypeImageManifest, dockerManifest}
	acceptManifests = http.Header{"Accept": {strings.Join(slices.Concat(indexTypes, imageTypes), ", ")}}
	// vagueTypes are what servers say of manifests that they do not know to be any.
	vagueTypes = []string{"", "application/json", "application/octet-stream", "text/plain", "binary/octet-stream"}
)

// wanted names a manifest: by digest, else by tag.
type wanted struct {
	tag    string
	digest digest.Digest
}

// manifest is an index or a platform's manifest.
type manifest struct {
	host   *host // that had it
	digest digest.Digest
	index  *ocispecs.Index    // nil for a platform's manifest
	image  *ocispecs.Manifest // nil for an index

	mediaType string
	body      []byte
}

// descriptor names the manifest.
func (m *manifest) descriptor() ocispecs.Descriptor {
	return ocispecs.Descriptor{MediaType: m.mediaType, Digest: m.digest, Size: int64(len(m.body))}
}

// manifest fetches and checks a manifest.
func (c *Client) manifest(ctx context.Context, t *target, want wanted) (*manifest, error) {
	name, needs := want.tag, docker.HostCapabilityPull|docker.HostCapabilityResolve
	if want.digest != "" {
		name, needs = want.digest.String(), docker.HostCapabilityPull
	}
	var found *manifest
	r := t.request(http.MethodGet, "manifests", name)
	r.header, r.needs, r.limit = acceptManifests, needs, maxManifest
	r.check = func(a *response) *Error {
		var fault *Error
		found, fault = readManifest(a, want.digest)
		return fault
	}
	if _, err := c.ask(ctx, t.hosts, r); err != nil {
		return nil, err
	}
	return found, nil
}

// readManifest checks an answer and tells index and manifest apart.
func readManifest(a *response, want digest.Digest) (*manifest, *Error) {
	var body struct {
		MediaType string          `json:"mediaType"`
		Schema    int             `json:"schemaVersion"`
		Manifests json.RawMessage `json:"manifests"`
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
	}
	contentType, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err := json.Unmarshal(a.body, &body); err != nil {
		return nil, broken(fmt.Errorf("no manifest, but %s: %w", describeType(contentType), err))
	}
	m := &manifest{host: a.from, body: a.body}
	var err error
	if m.digest, err = digestOf(a, want); err != nil {
		return nil, broken(err)
	}
	m.mediaType = kindOf(contentType, body.MediaType)
	isIndex, err := tell(m.mediaType, body.Manifests != nil, body.Config != nil || body.Layers != nil)
	switch {
	case err != nil && body.Schema == 1:
		return nil, &Error{Err: ErrBroken, Cause: errors.New("a manifest of Docker's schema 1, which nothing reads any more"), Advice: "push the image again"}
	case err != nil:
		return nil, broken(err)
	case isIndex:
		m.mediaType = cmp.Or(m.mediaType, ocispecs.MediaTypeImageIndex)
		m.index = new(ocispecs.Index)
		return m, parse(a.body, "index", m.index)
	}
	m.mediaType = cmp.Or(m.mediaType, ocispecs.MediaTypeImageManifest)
	m.image = new(ocispecs.Manifest)
	if fault := parse(a.body, "manifest", m.image); fault != nil {
		return nil, fault
	}
	if err := m.image.Config.Digest.Validate(); err != nil {
		return nil, broken(fmt.Errorf("the manifest names no config: %w", err))
	}
	return m, nil
}

// kindOf is a manifest's media type: the body's own goes before the header's. It is empty if neither tells.
func kindOf(contentType, mediaType string) string {
	if mediaType == "" && !slices.Contains(vagueTypes, contentType) {
		return contentType
	}
	return mediaType
}

// tell reports whether a manifest is an index. Its fields must agree with its type: one that could be read as both would
// be one thing to us and another to the next reader.
func tell(kind string, hasManifests, hasConfig bool) (isIndex bool, err error) {
	switch {
	case hasManifests && hasConfig:
		return false, errors.New("the manifest is an index and an image at once")
	case !hasManifests && !hasConfig:
		return false, fmt.Errorf("neither a manifest nor an index, but %s", describeType(kind))
	case kind == "":
		return hasManifests, nil
	case slices.Contains(indexTypes, kind) && hasManifests:
		return true, nil
	case slices.Contains(imageTypes, kind) && hasConfig:
		return false, nil
	}
	return false, fmt.Errorf("neither a manifest nor an index, but %s", describeType(kind))
}

func describeType(mediaType string) string {
	if mediaType == "" {
		return "something without a media type"
	}
	return mediaType
}

// digestOf computes a manifest's digest and compares it with what was asked for and what the registry says. The
// registry may use another algorithm than ours, which is then the tag's digest.
func digestOf(a *response, want digest.Digest) (digest.Digest, error) {
	said := digest.Digest(a.header.Get("Docker-Content-Digest"))
	if said != "" && want == "" {
		if err := verify(said, a.body); err != nil {
			return "", err
		}
		return said, nil
	}
	if want != "" {
		return want, verify(want, a.body)
	}
	return digest.FromBytes(a.body), nil
}

// verify checks content against its digest.
func verify(want digest.Digest, content []byte) error {
	if err := want.Validate(); err != nil {
		return fmt.Errorf("%q: %w", want, err)
	}
	if got := want.Algorithm().FromBytes(content); got != want {
		return fmt.Errorf("the content's digest is %s, not %s", got, want)
	}
	return nil
}

// parse reads JSON of a kind.
func parse(body []byte, kind string, into any) *Error {
	if err := json.Unmarshal(body, into); err != nil {
		return broken(fmt.Errorf("reading the %s: %w", kind, err))
	}
	return nil
}

func isConfig(mediaType string) bool {
	return mediaType == ocispecs.MediaTypeImageConfig || mediaType == dockerConfig
}

// images are the index's entries that are platforms' images: attestations and other artifacts are left out.
func (m *manifest) images() []ocispecs.Descriptor {
	if m.index == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.index.Manifests), func(d ocispecs.Descriptor) bool { return !isPlatformImage(d) })
}

// platforms are those that an index says it holds.
func (m *manifest) platforms() []ocispecs.Platform {
	var all []ocispecs.Platform
	for _, d := range m.images() {
		if d.Platform != nil {
			all = append(all, *d.Platform)
		}
	}
	return all
}

// pick chooses the entry for a platform: this very one, variants that mean the same aside (arm64 and arm64/v8). An
// index with a single image and no platforms leaves it to the image's config.
func (m *manifest) pick(want ocispecs.Platform) (ocispecs.Descriptor, *Error) {
	matcher := platforms.OnlyStrict(want)
	images := m.images()
	var found *ocispecs.Descriptor
	for i, d := range images {
		if d.Platform == nil || !matcher.Match(*d.Platform) {
			continue
		}
		if found == nil || matcher.Less(*d.Platform, *found.Platform) {
			found = &images[i]
		}
	}
	if found == nil && len(images) == 1 && images[0].Platform == nil {
		found = &images[0]
	}
	if found == nil {
		return ocispecs.Descriptor{}, noPlatform(want, m.platforms())
	}
	return *found, nil
}

// otherPlatform is the error of an image whose config is for another platform; nil if it is for this one or says none.
func otherPlatform(has, want ocispecs.Platform) *Error {
	if has.OS == "" && has.Architecture == "" || platforms.OnlyStrict(want).Match(platforms.Normalize(has)) {
		return nil
	}
	return noPlatform(want, []ocispecs.Platform{has})
}

func noPlatform(want ocispecs.Platform, has []ocispecs.Platform) *Error {
	names := make([]string, len(has))
	for i, p := range has {
		names[i] = platforms.Format(p)
	}
	slices.Sort(names)
	there := "there is " + strings.Join(slices.Compact(names), ", ")
	if len(names) == 0 {
		there = "it holds no image at all"
	}
	return &Error{
		Err:    ErrNoPlatform,
		Cause:  fmt.Errorf("%s is wanted, %s", platforms.Format(want), there),
		Advice: "choose one that is there with --platform, or another image",
	}
}
