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

// The largest documents that are read, in bytes. Registries accept manifests of up to 4 MiB, and configs of any size.
const (
	maxManifest = 4 << 20
	maxConfig   = 8 << 20
)

// Docker's media types, which registries still serve.
const (
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

var (
	indexTypes      = []string{ocispecs.MediaTypeImageIndex, dockerIndex}
	imageTypes      = []string{ocispecs.MediaTypeImageManifest, dockerManifest}
	acceptManifests = http.Header{"Accept": {strings.Join(slices.Concat(indexTypes, imageTypes), ", ")}}
	// genericTypes are the content types of servers that do not recognise a manifest.
	genericTypes = []string{"", "application/json", "application/octet-stream", "text/plain", "binary/octet-stream"}
)

// wanted names a manifest by its digest, or by a tag if that is empty.
type wanted struct {
	tag    string
	digest digest.Digest
}

// manifest is an index or a platform's manifest.
type manifest struct {
	host   *host // which served it
	digest digest.Digest
	index  *ocispecs.Index    // nil for a platform's manifest
	image  *ocispecs.Manifest // nil for an index

	mediaType string
	body      []byte
}

// descriptor returns the manifest's descriptor, without a platform.
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
	if _, err := c.do(ctx, t.hosts, r); err != nil {
		return nil, err
	}
	return found, nil
}

// readManifest checks a response and parses it as an index or a manifest.
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
		return nil, broken(fmt.Errorf("not a manifest but %s: %w", describeType(contentType), err))
	}
	m := &manifest{host: a.from, body: a.body}
	var err error
	if m.digest, err = digestOf(a, want); err != nil {
		return nil, broken(err)
	}
	m.mediaType = manifestType(contentType, body.MediaType)
	isIndex, err := classify(m.mediaType, body.Manifests != nil, body.Config != nil || body.Layers != nil)
	switch {
	case err != nil && body.Schema == 1:
		return nil, &Error{Err: ErrBroken, Cause: errors.New("a manifest of Docker's schema 1, which is no longer supported"), Advice: "push the image again"}
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

// manifestType returns a manifest's media type: the one in the body, else the header's. It is empty if neither names one.
func manifestType(contentType, mediaType string) string {
	if mediaType == "" && !slices.Contains(genericTypes, contentType) {
		return contentType
	}
	return mediaType
}

// classify reports whether a manifest is an index. Its fields must match its type: two readers could take an ambiguous
// manifest for different things.
func classify(mediaType string, hasManifests, hasConfig bool) (isIndex bool, err error) {
	switch {
	case hasManifests && hasConfig:
		return false, errors.New("the manifest is an index and an image at once")
	case !hasManifests && !hasConfig:
		return false, fmt.Errorf("neither a manifest nor an index, but %s", describeType(mediaType))
	case mediaType == "":
		return hasManifests, nil
	case slices.Contains(indexTypes, mediaType) && hasManifests:
		return true, nil
	case slices.Contains(imageTypes, mediaType) && hasConfig:
		return false, nil
	}
	return false, fmt.Errorf("neither a manifest nor an index, but %s", describeType(mediaType))
}

func describeType(mediaType string) string {
	if mediaType == "" {
		return "something without a media type"
	}
	return mediaType
}

// digestOf returns a manifest's digest. It must match the one that was requested, or else the one that the registry claims,
// which may use another algorithm than ours.
func digestOf(a *response, want digest.Digest) (digest.Digest, error) {
	claimed := digest.Digest(a.header.Get("Docker-Content-Digest"))
	if claimed != "" && want == "" {
		if err := verify(claimed, a.body); err != nil {
			return "", err
		}
		return claimed, nil
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

// parse decodes JSON. kind names the document in the error.
func parse(body []byte, kind string, into any) *Error {
	if err := json.Unmarshal(body, into); err != nil {
		return broken(fmt.Errorf("reading the %s: %w", kind, err))
	}
	return nil
}

func isConfig(mediaType string) bool {
	return mediaType == ocispecs.MediaTypeImageConfig || mediaType == dockerConfig
}

// images returns the index's entries that are images for platforms, without attestations and other artifacts.
func (m *manifest) images() []ocispecs.Descriptor {
	if m.index == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(m.index.Manifests), func(d ocispecs.Descriptor) bool { return !isPlatformImage(d) })
}

// platforms returns the platforms that the index names.
func (m *manifest) platforms() []ocispecs.Platform {
	var all []ocispecs.Platform
	for _, d := range m.images() {
		if d.Platform != nil {
			all = append(all, *d.Platform)
		}
	}
	return all
}

// pick returns the entry for exactly this platform or an equivalent one (arm64 and arm64/v8). A single image without a
// platform is picked too: its config names the platform.
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

// otherPlatform returns an error if the platform of an image's config is another one, and nil if it is this one or unknown.
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
	cause := fmt.Errorf("the image is for %s, not %s", strings.Join(slices.Compact(names), ", "), platforms.Format(want))
	if len(names) == 0 {
		cause = errors.New("the index holds no image")
	}
	return &Error{
		Err:    ErrNoPlatform,
		Cause:  cause,
		Advice: "choose one of its platforms with --platform, or another image",
	}
}
