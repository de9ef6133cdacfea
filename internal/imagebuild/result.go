package imagebuild

import (
	"encoding/json"
	"strconv"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	commonexptypes "github.com/moby/buildkit/exporter/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// Result returns images in the form that exporters take: an index if index is set or there are several, else a single image.
func Result(images []*Image, index bool) (*gateway.Result, error) {
	res := gateway.NewResult()
	var known exptypes.Platforms
	for _, img := range images {
		platform := platforms.Normalize(img.Platform)
		id := platforms.FormatAll(platform)
		known.Platforms = append(known.Platforms, exptypes.Platform{ID: id, Platform: platform})
		config, err := json.Marshal(img.Config)
		if err != nil {
			return nil, err
		}
		suffix, of := "", (*ocispecs.Platform)(nil)
		if index || len(images) > 1 {
			suffix, of = "/"+id, &platform
			res.AddRef(id, img.Ref)
		} else {
			res.SetRef(img.Ref)
		}
		res.AddMeta(exptypes.ExporterImageConfigKey+suffix, config)
		// With it, rewrite-timestamp leaves the layers of the entry image alone.
		res.AddMeta(exptypes.ExporterImageBaseConfigKey+suffix, img.Base)
		res.AddMeta(commonexptypes.ExporterEpochKey+suffix, []byte(strconv.FormatInt(img.Epoch.Unix(), 10)))
		for key, value := range img.Annotations {
			res.AddMeta(exptypes.AnnotationManifestKey(of, key), []byte(value))
		}
	}
	list, err := json.Marshal(known)
	if err != nil {
		return nil, err
	}
	res.AddMeta(exptypes.ExporterPlatformsKey, list)
	return res, nil
}
